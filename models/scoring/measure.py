"""Measures detections and species against the truth of rendered photos, in plain numpy."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from PIL import Image
from render.scenes import CATEGORIES, Truth, random_photos
from render.species import SPECIES

from scoring.predict import Detection, classify, detect

Box = tuple[float, float, float, float]
Photo = tuple[Image.Image, list[Truth]]
SHOWN = 0.3  # the score from which the demo detector's boxes are shown


@dataclass
class Figures:
    """What a run over photos counted."""

    photos: int = 0
    boxes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0))
    average_precision: dict[str, float] = field(default_factory=dict[str, float])
    confusion: np.ndarray = field(default_factory=lambda: np.zeros((len(SPECIES), len(SPECIES)), dtype=np.int64))
    shown_found: int = 0
    shown_wrong: int = 0
    end_to_end_right: int = 0
    blanks: int = 0
    blanks_kept_blank: int = 0

    @property
    def mean_average_precision(self) -> float:
        return float(np.mean(list(self.average_precision.values())))

    @property
    def top1(self) -> float:
        return float(np.trace(self.confusion) / max(1, self.confusion.sum()))


def held_out_photos(first_seed: int, places: int, width: int = 640) -> Iterator[Photo]:
    """Two photos at each of many places, each after a camera's JPEG."""
    for seed in range(first_seed, first_seed + places):
        for image, truth in random_photos(seed, width, width * 3 // 4, shots=2):
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=80)
            yield Image.open(buffer).convert("RGB"), truth


def corners(truth: Truth) -> Box:
    return truth.x, truth.y, truth.x + truth.width, truth.y + truth.height


def overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
    return shared / (areas - shared + 1e-12)


def match(found: list[Detection], truths: list[Box]) -> list[int | None]:
    """For each detection, best first, the free true box that it overlaps most, by at least one half."""
    free, answer = set(range(len(truths))), list[int | None]()
    for detection in found:
        best = max(free, key=lambda index: overlap(detection.box, truths[index]), default=None)
        if best is not None and overlap(detection.box, truths[best]) >= 0.5:
            free.remove(best)
            answer.append(best)
        else:
            answer.append(None)
    return answer


def average_precision(scores: list[float], hits: list[bool], total: int) -> float:
    """Area under the precision envelope over recall, every point used."""
    if total == 0:
        return float("nan")
    order = np.argsort(-np.asarray(scores), kind="stable")
    right = np.asarray(hits, dtype=np.float64)[order]
    reached = np.cumsum(right)
    precision = reached / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(envelope * right) / total)


def measure(
    photos: Iterable[Photo], detector: onnxruntime.InferenceSession, classifier: onnxruntime.InferenceSession
) -> Figures:
    figures = Figures()
    scores: dict[int, list[float]] = {index: [] for index in range(len(CATEGORIES))}
    hits: dict[int, list[bool]] = {index: [] for index in range(len(CATEGORIES))}
    for image, truths in photos:
        figures.photos += 1
        found = detect(detector, image)
        for label, category in enumerate(CATEGORIES):
            own = [one for one in found if one.label == label]
            boxes = [corners(truth) for truth in truths if truth.category == category]
            figures.boxes[category] += len(boxes)
            scores[label] += [one.score for one in own]
            hits[label] += [index is not None for index in match(own, boxes)]
        _count_shown(figures, image, truths, [one for one in found if one.score >= SHOWN], classifier)
        _count_species(figures, image, truths, classifier)
    for label, category in enumerate(CATEGORIES):
        figures.average_precision[category] = average_precision(scores[label], hits[label], figures.boxes[category])
    return figures


def _count_species(
    figures: Figures, image: Image.Image, truths: list[Truth], classifier: onnxruntime.InferenceSession
) -> None:
    animals = [truth for truth in truths if truth.species is not None]
    answers = classify(classifier, image, [corners(truth) for truth in animals])
    for truth, answer in zip(animals, answers, strict=True):
        figures.confusion[SPECIES.index(truth.species or ""), int(answer)] += 1


def _count_shown(
    figures: Figures,
    image: Image.Image,
    truths: list[Truth],
    shown: list[Detection],
    classifier: onnxruntime.InferenceSession,
) -> None:
    """What a person would see: boxes from the shown score up, each animal with its species."""
    if not truths:
        figures.blanks += 1
        figures.blanks_kept_blank += not shown
    matched = match(shown, [corners(truth) for truth in truths])
    answers = classify(classifier, image, [one.box for one in shown])
    for detection, index, answer in zip(shown, matched, answers, strict=True):
        if index is None or truths[index].category != CATEGORIES[detection.label]:
            figures.shown_wrong += 1
            continue
        figures.shown_found += 1
        species = truths[index].species
        figures.end_to_end_right += species is None or species == SPECIES[int(answer)]
