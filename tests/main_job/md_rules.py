"""The rules of MegaDetector's batch format 1.6, as its page publishes them: a list of what a document breaks."""

from collections.abc import Iterator
from typing import Any

NORMALISED = 1.0 + 1e-6


def broken_rules(document: dict[str, Any]) -> list[str]:
    """Empty for a valid document."""
    return [*_heads(document), *(broken for image in document.get("images", []) for broken in _image(image, document))]


def _heads(document: dict[str, Any]) -> Iterator[str]:
    allowed = {"info", "detection_categories", "classification_categories", "classification_category_descriptions"}
    if unknown := set(document) - allowed - {"images"}:
        yield f"unknown fields {unknown}"
    if float(document["info"]["format_version"]) < 1.6:
        yield "a format version below 1.6"
    if not isinstance(document["info"].get("detector", ""), str):
        yield "info.detector is no text"
    for name in allowed - {"info"}:
        for key, label in document.get(name, {}).items():
            if not key.isdigit() or not isinstance(label, str):
                yield f"{name}: {key!r} and {label!r} are not a number in quotes and a text"
    described = set(document.get("classification_category_descriptions", {}))
    if not described <= set(document.get("classification_categories", {})):
        yield "descriptions of categories that are none"
    files = [image["file"] for image in document["images"]]
    if len(files) != len(set(files)):
        yield "a file is listed twice"


def _image(image: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    file = image["file"]
    if not file:
        yield "an image without a file"
    if image.get("failure") is not None:
        if not image["failure"] or not isinstance(image["failure"], str):
            yield f"{file!r}: a failure without words"
        if image.get("detections") is not None:
            yield f"{file!r}: a failure with detections"
        return
    if not isinstance(image.get("detections"), list):
        yield f"{file!r}: processed, and no list of detections"
        return
    for detection in image["detections"]:
        yield from (f"{file!r}: {broken}" for broken in _detection(detection, document))


def _detection(detection: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if detection["category"] not in document["detection_categories"]:
        yield f"category {detection['category']!r} is unknown"
    if not 0 <= detection["conf"] <= 1:
        yield f"confidence {detection['conf']}"
    box = detection["bbox"]
    if len(box) != 4 or min(box) < 0 or box[0] + box[2] > NORMALISED or box[1] + box[3] > NORMALISED:
        yield f"box {box}"
    said = detection.get("classifications", [])
    if [score for _, score in said] != sorted((score for _, score in said), reverse=True):
        yield "classifications are not in descending order"
    for label, score in said:
        if label not in document["classification_categories"] or not 0 <= score <= 1:
            yield f"classification {label!r} {score}"
