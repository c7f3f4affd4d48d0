"""Writes `results.json`: MegaDetector batch format 1.6, the same bytes as long as nothing changed."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trapper_cli.runs.names import byte_order
from trapper_cli.runs.outcomes import Detection, FileOutcome, ModelUsed, RunResult

LOWEST_SCORE = 0.1
_CATEGORIES = {"animal": "1", "human": "2", "vehicle": "3"}
_NAMES = {"1": "animal", "2": "person", "3": "vehicle"}
_LOWEST_CLASSIFICATION = 0.005


def md_json(result: RunResult, detector: ModelUsed, classifier: ModelUsed | None) -> bytes:
    r"""The whole document; what the format has no word for stands in `info`, and as `damaged` with an image.

    It is pure ASCII. A file name that is not UTF-8 keeps each foreign byte as a lone surrogate (\udc80 to \udcff,
    PEP 383), so `os.fsencode(json.load(...)["images"][i]["file"])` gives back the name byte for byte.
    """
    ordered = sorted(result.outcomes, key=lambda outcome: byte_order(outcome.relative))
    labels = _classification_categories(ordered, classifier)
    document: dict[str, Any] = {"info": _info(result, detector, classifier), "detection_categories": _NAMES}
    if classifier is not None:
        document["classification_categories"] = {key: label for label, key in labels.items()}
        names = classifier.descriptions or {}
        document["classification_category_descriptions"] = {
            key: names.get(label, label) for label, key in labels.items()
        }
    document["images"] = [_image(outcome, labels) for outcome in ordered]
    return (json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def _info(result: RunResult, detector: ModelUsed, classifier: ModelUsed | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"version": detector.version, "sha256": detector.sha256}
    if detector.typical is not None:
        metadata["typical_detection_threshold"] = detector.typical
    if detector.conservative is not None:
        metadata["conservative_detection_threshold"] = detector.conservative
    info: dict[str, Any] = {"format_version": "1.6", "detector": detector.name, "detector_metadata": metadata}
    if classifier is not None:
        species: dict[str, Any] = {"version": classifier.version, "sha256": classifier.sha256}
        if classifier.typical is not None:
            species["typical_classification_threshold"] = classifier.typical
        info |= {"classifier": classifier.name, "classifier_metadata": species}
    unread = sorted(result.unread, key=lambda gap: byte_order(gap.relative))
    info |= {
        "collection": result.collection,
        "input_complete": not result.is_partial,
        "not_read": [{"file": gap.relative, "reason": gap.reason} for gap in unread],
        "photos_without_time": result.without_time,
        "photos_damaged": sum(photo.is_damaged for photo in result.looked_at),
    }
    return info


def _classification_categories(outcomes: Iterable[FileOutcome], classifier: ModelUsed | None) -> dict[str, str]:
    """Label to key: the classifier's labels in its own order, then whatever else was given, by name."""
    used = {label for outcome in outcomes for detection in outcome.detections for label, _ in detection.classifications}
    known = list(classifier.descriptions or {}) if classifier is not None else []
    return {label: str(index) for index, label in enumerate([*known, *sorted(used - set(known))])}


def _image(outcome: FileOutcome, labels: Mapping[str, str]) -> dict[str, Any]:
    if outcome.failure is not None:
        return {"file": outcome.relative, "failure": outcome.failure, "detections": None}
    listed = [_detection(each, labels) for each in outcome.detections if _is_listed(each)]
    listed.sort(key=lambda each: (-each["conf"], each["category"], each["bbox"]))
    return {"file": outcome.relative, "detections": listed, **({"damaged": True} if outcome.is_damaged else {})}


def _is_listed(detection: Detection) -> bool:
    return detection.score >= LOWEST_SCORE and detection.observation_type in _CATEGORIES


def _detection(detection: Detection, labels: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "category": _CATEGORIES[detection.observation_type],
        "conf": round(detection.score, 4),
        "bbox": _box(detection.bbox),
    }
    classifications = [
        [labels[label], round(score, 4)]
        for label, score in sorted(detection.classifications, key=lambda pair: (-pair[1], pair[0]))
        if score >= _LOWEST_CLASSIFICATION
    ]
    if classifications:
        made["classifications"] = classifications
    return made


def _box(bbox: tuple[float, float, float, float]) -> list[float]:
    """x, y, width, height, rounded so that the box stays inside the picture."""
    x, y = (round(min(max(value, 0.0), 1.0), 5) for value in bbox[:2])
    width, height = (max(value, 0.0) for value in bbox[2:])
    return [x, y, round(min(width, 1.0 - x), 5), round(min(height, 1.0 - y), 5)]
