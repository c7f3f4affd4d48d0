"""Prepares pixels for the two demo models and reads their answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]
MEAN = np.asarray((0.485, 0.456, 0.406), dtype=np.float32)
STD = np.asarray((0.229, 0.224, 0.225), dtype=np.float32)
PADDING = 0.1


@dataclass(frozen=True)
class Detection:
    """A box as left, top, right, bottom, relative to the photo."""

    label: int
    score: float
    box: tuple[float, float, float, float]


def open_model(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def letterbox(image: Image.Image, size: int) -> tuple[Floats, float, int, int]:
    """The photo in the middle of a grey square; also the scale and the left and top margins."""
    scale = min(size / image.width, size / image.height)
    width, height = round(image.width * scale), round(image.height * scale)
    left, top = (size - width) // 2, (size - height) // 2
    square = Image.new("RGB", (size, size), (114, 114, 114))
    square.paste(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), (left, top))
    pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / 255
    return np.ascontiguousarray(pixels), scale, left, top


def suppress(boxes: Floats, scores: Floats, limit: float) -> list[int]:
    """Indices of boxes that no better one covers."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = np.argsort(-scores, kind="stable"), []
    while order.size:
        first, rest = order[0], order[1:]
        kept.append(int(first))
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:], boxes[rest, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        order = rest[shared / (areas[first] + areas[rest] - shared + 1e-9) <= limit]
    return kept


def detect(
    session: onnxruntime.InferenceSession, image: Image.Image, threshold: float = 0.01, limit: float = 0.5
) -> list[Detection]:
    size = int(session.get_inputs()[0].shape[2])
    pixels, scale, left, top = letterbox(image, size)
    answer: Floats = np.asarray(session.run(None, {"images": pixels[None]})[0], dtype=np.float32)[0]
    centre, extent, scores = answer[:2].T, answer[2:4].T, answer[4:].T
    corners = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
    corners = (corners - np.asarray([left, top, left, top], dtype=np.float32)) / scale
    corners = corners / np.asarray([image.width, image.height] * 2, dtype=np.float32)
    corners = np.clip(corners, 0, 1).astype(np.float32)
    found: list[Detection] = []
    for label in range(scores.shape[1]):
        likely = np.flatnonzero(scores[:, label] >= threshold)
        for index in suppress(corners[likely], scores[likely, label], limit):
            left_, top_, right_, bottom_ = (float(value) for value in corners[likely[index]])
            found.append(Detection(label, float(scores[likely[index], label]), (left_, top_, right_, bottom_)))
    return sorted(found, key=lambda one: -one.score)


def cut(image: Image.Image, box: tuple[float, float, float, float], size: int) -> Floats:
    """The box and ten percent around it, as far as the photo reaches, squashed to a square and normalised."""
    wide, high = (box[2] - box[0]) * PADDING, (box[3] - box[1]) * PADDING
    left, top = max(0.0, box[0] - wide) * image.width, max(0.0, box[1] - high) * image.height
    right, bottom = min(1.0, box[2] + wide) * image.width, min(1.0, box[3] + high) * image.height
    bounds = round(left), round(top), max(round(right), round(left) + 1), max(round(bottom), round(top) + 1)
    crop = image.convert("RGB").crop(bounds).resize((size, size), Image.Resampling.BILINEAR)
    return ((np.asarray(crop, dtype=np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def classify(
    session: onnxruntime.InferenceSession, image: Image.Image, boxes: list[tuple[float, float, float, float]]
) -> NDArray[np.int64]:
    """The most likely species of each box, as an index."""
    if not boxes:
        return np.zeros(0, dtype=np.int64)
    size = int(session.get_inputs()[0].shape[2])
    crops = np.stack([cut(image, box, size) for box in boxes]).astype(np.float32)
    logits: Floats = np.asarray(session.run(["logits"], {"images": crops})[0], dtype=np.float32)
    return logits.argmax(axis=1).astype(np.int64)
