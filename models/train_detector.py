"""Trains the demo detector: a small anchor-free network whose exported output has the yolov8 layout."""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from training_set import SHOTS

SIZE = 320
STRIDES = (8, 16, 32)
CLASSES = 3
PAD = 114 / 255
_PRIOR = 0.01
# The loss leaves mistakes at scores of 0.1 to 0.3; stretching the logits pushes most below 0.1 and keeps the order.
SHARPNESS, SHIFT = 1.8, -0.12


class Block(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """A bottleneck with a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(Block(channels, channels // 2, 1), Block(channels // 2, channels))

    def forward(self, value: Tensor) -> Tensor:
        return value + self.body(value)


class Head(nn.Module):
    """Distances to the four sides, in strides, and the logit of each class, for every cell of one level."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.boxes = nn.Sequential(Block(channels, channels), nn.Conv2d(channels, 4, 1))
        self.classes = nn.Sequential(Block(channels, channels), nn.Conv2d(channels, CLASSES, 1))
        nn.init.constant_(self.classes[-1].bias, math.log(_PRIOR / (1 - _PRIOR)))  # type: ignore[arg-type]  # a Conv2d
        nn.init.constant_(self.boxes[-1].bias, 1.0)  # type: ignore[arg-type]  # a Conv2d

    def forward(self, value: Tensor) -> tuple[Tensor, Tensor]:
        return functional.softplus(self.boxes(value)).flatten(2), self.classes(value).flatten(2)


class Detector(nn.Module):
    """A stem, three levels, a small feature pyramid, a head per level."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Block(3, 12, 3, 2), Block(12, 24, 3, 2), Block(24, 40, 3, 2), Residual(40), Residual(40)
        )
        self.middle = nn.Sequential(Block(40, 72, 3, 2), Residual(72), Residual(72))
        self.deep = nn.Sequential(Block(72, 112, 3, 2), Residual(112), Residual(112))
        self.lateral = nn.ModuleList([Block(channels, width, 1) for channels in (40, 72, 112)])
        self.merge = nn.ModuleList([Block(width, width) for _ in range(2)])
        self.heads = nn.ModuleList([Head(width) for _ in STRIDES])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.stem(images)
        middle = self.middle(fine)
        deep = self.deep(middle)
        third = self.lateral[2](deep)
        second = self.merge[1](self.lateral[1](middle) + functional.interpolate(third, scale_factor=2.0))
        first = self.merge[0](self.lateral[0](fine) + functional.interpolate(second, scale_factor=2.0))
        parts = [head(level) for head, level in zip(self.heads, (first, second, third), strict=True)]
        return torch.cat([part[0] for part in parts], 2), torch.cat([part[1] for part in parts], 2)


def cells() -> tuple[Tensor, Tensor]:
    """Centres of all cells in pixels, 2 x n, and the stride of each."""
    points, strides = [], []
    for stride in STRIDES:
        axis = (torch.arange(SIZE // stride) + 0.5) * stride
        rows, columns = torch.meshgrid(axis, axis, indexing="ij")
        points.append(torch.stack([columns.flatten(), rows.flatten()]))
        strides.append(torch.full((rows.numel(),), float(stride)))
    return torch.cat(points, 1), torch.cat(strides)


def corners(distances: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Distances (b x 4 x n, in strides) as left, top, right, bottom in pixels."""
    scaled = distances * strides
    return torch.cat([points - scaled[:, :2], points + scaled[:, 2:]], 1)


class Exported(nn.Module):
    """What is written to the file: one output, centre and size in pixels, then the scores."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector
        points, strides = cells()
        self.register_buffer("points", points)
        self.register_buffer("strides", strides)

    def forward(self, images: Tensor) -> Tensor:
        distances, logits = self.detector(images)
        scaled = distances * self.strides
        centre = self.points + (scaled[:, 2:] - scaled[:, :2]) / 2
        return torch.cat([centre, scaled[:, :2] + scaled[:, 2:], (logits * SHARPNESS + SHIFT).sigmoid()], 1)


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of boxes in the last dimension."""
    low, high = torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    union = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1) - inter
    iou = inter / (union + 1e-6)
    low, high = torch.minimum(first[..., :2], second[..., :2]), torch.maximum(first[..., 2:], second[..., 2:])
    hull = (high - low).prod(-1)
    return iou, iou - (hull - union) / (hull + 1e-6)


@torch.no_grad()
def assign(
    boxes: Tensor, scores: Tensor, truth: Tensor, labels: Tensor, points: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The ten cells inside each true box that fit it best in class and place (task-aligned assignment)."""
    cell = points.T
    inside = (cell[None] > truth[:, None, :2]).all(2) & (cell[None] < truth[:, None, 2:]).all(2)
    iou, _ = overlap(boxes[None], truth[:, None])
    merit = scores[:, labels].T.sqrt() * iou.clamp(min=0) ** 4 * inside
    best = torch.zeros_like(inside).scatter_(1, merit.topk(10, dim=1).indices, value=True) & inside & (merit > 1e-9)
    merit = merit * best
    owner_merit, owner = merit.max(0)
    chosen = owner_merit > 0
    peak = merit.amax(1).clamp(min=1e-9)
    reach = (iou * best).amax(1)
    target = owner_merit / peak[owner] * reach[owner]
    return chosen, owner, target


def loss_of(detector: Detector, images: Tensor, truths: list[Tensor], points: Tensor, strides: Tensor) -> Tensor:
    distances, logits = detector(images)
    boxes = corners(distances, points, strides).transpose(1, 2)
    logits = logits.transpose(1, 2)
    scores = logits.detach().sigmoid()
    targets = torch.zeros_like(logits)
    box_loss, weight = logits.new_zeros(()), logits.new_zeros(())
    for index, truth in enumerate(truths):
        if len(truth) == 0:
            continue
        labels = truth[:, 0].long()
        chosen, owner, target = assign(boxes[index].detach(), scores[index], truth[:, 1:], labels, points)
        if not chosen.any():
            continue
        targets[index, chosen, labels[owner[chosen]]] = target[chosen]
        _, giou = overlap(boxes[index][chosen], truth[owner[chosen], 1:])
        box_loss = box_loss + ((1 - giou) * target[chosen]).sum()
        weight = weight + target[chosen].sum()
    normal = weight.clamp(min=1.0)
    certainty = (logits.sigmoid().detach() - targets).abs() ** 2.0
    focus = torch.where(targets > 0, torch.ones_like(certainty), 0.75 * certainty)
    class_loss = (functional.binary_cross_entropy_with_logits(logits, targets, reduction="none") * focus).sum()
    return (class_loss + 2.5 * box_loss) / normal


@dataclass
class TrainingPhotos:
    """Rendered photos in memory-mapped pixels, with their boxes in letterboxed pixels."""

    pictures: np.ndarray
    boxes: list[np.ndarray]

    @classmethod
    def load(cls, folder: Path) -> "TrainingPhotos":
        pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        table = np.load(folder / "boxes.npy")
        height, width = pictures.shape[1:3]
        scale = np.asarray([width, height, width, height], dtype=np.float32)
        boxes = []
        for index in range(len(pictures)):
            rows = table[table[:, 0] == index]
            start = rows[:, 2:4] * scale[:2]
            boxes.append(np.concatenate([rows[:, 1:2], start, start + rows[:, 4:6] * scale[2:]], 1))
        return cls(pictures, boxes)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, list[Tensor]]:
        images = np.full((len(indices), SIZE, SIZE, 3), PAD, dtype=np.float32)
        truths = []
        for slot, index in enumerate(indices):
            picture, rows = self.pictures[index].astype(np.float32) / 255, self.boxes[index].copy()
            if rng.random() < 0.5:
                picture = picture[:, ::-1]
                rows[:, [1, 3]] = picture.shape[1] - rows[:, [3, 1]]
            picture = picture * rng.uniform(0.8, 1.25) + rng.uniform(-0.05, 0.05)
            if rng.random() < 0.1:
                picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
            top = (SIZE - picture.shape[0]) // 2
            images[slot, top : top + picture.shape[0]] = np.clip(picture, 0, 1)
            rows[:, [2, 4]] += top
            truths.append(torch.from_numpy(rows.astype(np.float32)))
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), truths


@dataclass(frozen=True)
class Plan:
    """How long, how fast and from where."""

    epochs: int
    batch: int
    rate: float
    seed: int
    resume: Path | None
    herds: bool


def train(photos: TrainingPhotos, out: Path, plan: Plan) -> None:
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    detector = Detector().to(memory_format=torch.channels_last)
    if plan.resume:
        detector.load_state_dict(torch.load(plan.resume, weights_only=True))
    points, strides = cells()
    decayed = [p for p in detector.parameters() if p.ndim > 1]
    plain = [p for p in detector.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}], lr=2e-3
    )
    chosen = np.asarray([index for index in range(len(photos.boxes)) if plan.herds or index % SHOTS != SHOTS - 1])
    batch, steps = plan.batch, len(chosen) // plan.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=plan.epochs * steps, pct_start=0.08
    )
    started = time.monotonic()
    log = []
    for epoch in range(plan.epochs):
        order, total = rng.permutation(chosen), 0.0
        for step in range(steps):
            images, truths = photos.batch(order[step * batch : (step + 1) * batch], rng)
            loss = loss_of(detector, images, truths, points, strides)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        log.append({"epoch": epoch + 1, "loss": round(total / steps, 4), "seconds": round(time.monotonic() - started)})
        print(json.dumps(log[-1]), flush=True)
        torch.save(detector.state_dict(), out)
    out.with_suffix(".log.json").write_text(json.dumps(log, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--resume", type=Path, help="weights to start from")
    parser.add_argument("--without-herds", action="store_true", help="leave out the photos of mixed animals")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    photos = TrainingPhotos.load(options.data)
    plan = Plan(
        options.epochs, options.batch, options.rate, options.seed, options.resume, herds=not options.without_herds
    )
    train(photos, options.out, plan)


if __name__ == "__main__":
    main()
