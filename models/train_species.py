"""Trains the demo species classifier: logits and an embedding of a cut-out animal."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from train_detector import Block, Residual

SIZE = 96
CLASSES = 8
EMBEDDING = 64
PADDING = 0.1
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Classifier(nn.Module):
    """Four halvings, a mean over the picture, an embedding, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Block(3, 16, 3, 2),
            Block(16, 32, 3, 2),
            Residual(32),
            Block(32, 64, 3, 2),
            Residual(64),
            Block(64, 112, 3, 2),
            Residual(112),
            Block(112, 160, 3, 2),
        )
        self.embed = nn.Linear(160, EMBEDDING)
        self.dropout = nn.Dropout(0.1)
        self.classes = nn.Linear(EMBEDDING, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.embed(self.body(images).mean((2, 3)))
        return self.classes(self.dropout(functional.relu(embedding))), embedding


def windows(inner: Tensor, *, jitter: float) -> Tensor:
    """Where to cut each stored crop: the box, shifted and resized a little, ten percent wider, within the crop."""
    shift = (torch.rand(len(inner), 4) * 2 - 1) * jitter
    x, y, width, height = inner.T
    left, right = x + shift[:, 0] * width, x + width * (1 + shift[:, 1])
    top, bottom = y + shift[:, 2] * height, y + height * (1 + shift[:, 3])
    wide, high = (right - left) * PADDING, (bottom - top) * PADDING
    return torch.stack([left - wide, top - high, right + wide, bottom + high], 1).clamp(0, 1)


def cut(crops: Tensor, inner: Tensor, *, jitter: float, flip: bool) -> Tensor:
    """Squashes each window to the input size."""
    left, top, right, bottom = windows(inner, jitter=jitter).T
    theta = torch.zeros(len(crops), 2, 3)
    mirrored = torch.where(torch.rand(len(crops)) < 0.5, -1.0, 1.0) if flip else torch.ones(len(crops))
    theta[:, 0, 0], theta[:, 0, 2] = (right - left) * mirrored, left + right - 1
    theta[:, 1, 1], theta[:, 1, 2] = bottom - top, top + bottom - 1
    grid = functional.affine_grid(theta, [len(crops), 3, SIZE, SIZE], align_corners=False)
    return functional.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)


def degraded(images: Tensor) -> Tensor:
    """Other light, other noise, sometimes grey, sometimes coarse."""
    count = len(images)
    images = images * torch.empty(count, 1, 1, 1).uniform_(0.7, 1.35) + torch.empty(count, 1, 1, 1).uniform_(
        -0.07, 0.07
    )
    grey = images.mean(1, keepdim=True).expand_as(images)
    images = torch.where(torch.rand(count, 1, 1, 1) < 0.12, grey, images)
    coarse = functional.interpolate(functional.avg_pool2d(images, 2), scale_factor=2.0, mode="bilinear")
    images = torch.where(torch.rand(count, 1, 1, 1) < 0.25, coarse, images)
    return (images + torch.randn_like(images) * torch.rand(count, 1, 1, 1) * 0.03).clamp(0, 1)


def train(data: Path, out: Path, epochs: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    crops = torch.from_numpy(np.load(data / "crops.npy")).permute(0, 3, 1, 2)
    inner, species = torch.from_numpy(np.load(data / "inner.npy")), torch.from_numpy(np.load(data / "species.npy"))
    model = Classifier()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    steps = len(crops) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=epochs * steps, pct_start=0.1)
    started, log = time.monotonic(), []
    for epoch in range(epochs):
        order, total, right = torch.randperm(len(crops)), 0.0, 0
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            images = degraded(cut(crops[chosen].float() / 255, inner[chosen], jitter=0.08, flip=True))
            logits, _ = model((images - MEAN) / STD)
            loss = functional.cross_entropy(logits, species[chosen], label_smoothing=0.05)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
            right += int((logits.argmax(1) == species[chosen]).sum())
        seconds = round(time.monotonic() - started)
        log.append(
            {
                "epoch": epoch + 1,
                "loss": round(total / steps, 4),
                "top1": round(right / steps / batch, 4),
                "seconds": seconds,
            }
        )
        print(json.dumps(log[-1]), flush=True)
        torch.save(model.state_dict(), out)
    out.with_suffix(".log.json").write_text(json.dumps(log, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.data, options.out, options.epochs, options.batch, options.seed)


if __name__ == "__main__":
    main()
