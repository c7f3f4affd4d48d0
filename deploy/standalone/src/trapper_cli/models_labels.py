"""Reads a label file: one label per line, in the order of the model's output."""

from pathlib import Path

from trapper_client.errors import WrongUsage

_LARGEST_BYTES = 5_000_000
_LONGEST_LABEL = 200


def read_labels(path: Path) -> list[str]:
    """The labels in index order; blank lines at the end are no labels, a blank one in the middle is an error."""
    text = _text(path)
    labels = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while labels and not labels[-1]:
        labels.pop()
    if not labels:
        raise WrongUsage(f"{path} holds no label: it takes one per line, in the order of the model's output.")
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        _check(path, number, label)
        if label in seen:
            raise WrongUsage(f"{path}, line {number}: {label!r} stands in line {seen[label]} already.")
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
        raise WrongUsage(f"{path} is not UTF-8 (byte {problem.start}).") from problem


def _check(path: Path, number: int, label: str) -> None:
    if not label:
        raise WrongUsage(f"{path}, line {number} is blank: every index of the model's output has a label.")
    if "\x00" in label:
        raise WrongUsage(f"{path}, line {number} holds a NUL: is it a text file?")
    if len(label) > _LONGEST_LABEL:
        raise WrongUsage(f"{path}, line {number} is longer than {_LONGEST_LABEL} characters.")
