"""Reads a label file: one label per line, in the order of the model's output."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from trapper_client.errors import WrongUsage

_LARGEST_BYTES = 5_000_000
_LONGEST_LABEL = 200
_INDEX = re.compile(r"['\"]?\d+['\"]?\s*:(\s|$)")
_TABLE_ENDINGS = frozenset({".csv", ".tsv"})


def read_labels(path: Path) -> list[str]:
    """The labels in index order; blank lines at the end are no labels, a blank one in the middle is an error."""
    text = _text(path).replace("\r\n", "\n").replace("\r", "\n")
    _check_form(path, text)
    labels = [line.strip() for line in text.split("\n")]
    while labels and not labels[-1]:
        labels.pop()
    if not labels:
        raise WrongUsage(f"{path} holds no label: it takes one per line, in the order of the model's output.")
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        _check(path, number, label)
        if label in seen:
            raise WrongUsage(
                f"{path}, line {number}: {label!r} stands in line {seen[label]} already.",
                hint="Where two classes have one name, tell them apart, as in 'crane (bird)' and 'crane (machine)'.",
            )
        seen[label] = number
    return labels


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= _LARGEST_BYTES else None
    except OSError as problem:
        raise WrongUsage(f"{path} cannot be read: {problem.strerror}.") from problem
    if content is None:
        raise WrongUsage(f"{path} is larger than {_LARGEST_BYTES} bytes: is it a list of labels?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise WrongUsage(f"{path} is not UTF-8 (byte {problem.start}).", hint="Save it as UTF-8.") from problem


def _check_form(path: Path, text: str) -> None:
    """A list in another form would be read as labels that look like it."""
    form = _other_form(text)
    if form is None and path.suffix.lower() in _TABLE_ENDINGS and re.search(r"[,;\t]", text):
        form = "a table with several columns"
    if form is not None:
        raise WrongUsage(
            f"{path} looks like {form}.",
            hint="It takes one label per line and nothing else, in the order of the model's output.",
        )


def _other_form(text: str) -> str | None:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if _is_json(text):
        return "JSON"
    if "names:" in lines or (lines and (_all(lines, lambda line: line.startswith("- ")) or _all(lines, _INDEX.match))):
        return "YAML"
    if lines and lines[0].startswith("<"):
        return "XML"
    return "a label map of TensorFlow" if lines and re.match(r"item\s*\{", lines[0]) else None


def _all(lines: list[str], says: Callable[[str], object]) -> bool:
    return all(says(line) for line in lines if not line.startswith("#"))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def _check(path: Path, number: int, label: str) -> None:
    if not label:
        raise WrongUsage(f"{path}, line {number} is blank: every index of the model's output has a label.")
    if "\x00" in label:
        raise WrongUsage(f"{path}, line {number} holds a NUL: is it a text file?")
    if len(label) > _LONGEST_LABEL:
        raise WrongUsage(f"{path}, line {number} is longer than {_LONGEST_LABEL} characters.")
