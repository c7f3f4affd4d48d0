"""Scans an ONNX file's bytes before it is parsed, against files that unpack to more than the memory."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ai_worker.model_store.errors import ModelRefused

MAX_FIELDS = 2_000_000
"""Real networks have some hundred thousand; each costs up to a few hundred bytes once it is unpacked."""
MAX_GRAPH_DEPTH = 8
_MAX_DEPTH = 60
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_LAST = 0x80
"""A byte below it ends a number."""

_NAMED: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 14: "leaf", 20: "leaf", 25: "function"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 11: "input", 12: "value", 13: "value", 14: "annotation", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        14: "type",
        15: "type",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "leaf"},
    "annotation": {2: "leaf"},
    "input": {2: "type"},
    "value": {2: "type"},
    "type": {1: "array", 4: "holder", 5: "holder", 8: "array", 9: "holder"},
    "holder": {1: "type", 2: "type"},
    "array": {2: "shape"},
    "shape": {1: "leaf"},
    "leaf": {},
}
"""By kind of message: the fields that are messages themselves, by number, as onnx.proto defines them."""


@dataclass(slots=True)
class Scanned:
    """The counts of the scan."""

    fields: int = 0
    inputs: list[str] = field(default_factory=list[str])
    """The names that the main graph lists as its inputs."""


def scan_file(path: Path) -> Scanned:
    """Counts every field and level; ModelRefused when there are more than a network has."""
    seen = Scanned()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        waiting: list[tuple[str, int, int, int, int]] = [("model", 0, len(content), 0, 0)]
        while waiting:
            kind, start, end, depth, graphs = waiting.pop()
            if depth > _MAX_DEPTH or graphs > MAX_GRAPH_DEPTH:
                raise ModelRefused("too-large", f"graphs inside graphs more than {MAX_GRAPH_DEPTH} deep")
            inner = _walk(content, kind, start, end, seen)
            waiting += [
                (name, first, last, depth + 1, graphs + (name == "graph" and kind == "attribute"))
                for name, first, last in inner
            ]
            if kind == "input" and graphs == 0:
                seen.inputs += _names(content, start, end)
    return seen


def _walk(content: mmap.mmap, kind: str, at: int, end: int, seen: Scanned) -> list[tuple[str, int, int]]:
    """Yields the messages directly inside this one, as kind, start and end."""
    named = _NAMED[kind]
    inner: list[tuple[str, int, int]] = []
    while at < end:
        seen.fields += 1
        if seen.fields > MAX_FIELDS:
            raise ModelRefused("too-large", f"more than {MAX_FIELDS} fields; a network has far fewer")
        tag = content[at]
        if tag < _LAST:
            at += 1
        else:
            tag, at = _varint(content, at, end)
        wire = tag & 7
        if wire == _BYTES:
            length, at = _varint(content, at, end)
            if length > end - at:
                raise _broken()
            child = named.get(tag >> 3)
            if child is not None:
                inner.append((child, at, at + length))
            at += length
        elif wire == _VARINT:
            _, at = _varint(content, at, end)
        elif wire in (_EIGHT, _FOUR):
            at += 8 if wire == _EIGHT else 4
        else:
            raise _broken()
    if at != end:
        raise _broken()
    return inner


def _names(content: mmap.mmap, at: int, end: int) -> list[str]:
    """Returns the name of an input, its first field."""
    names: list[str] = []
    while at < end:
        tag, at = _varint(content, at, end)
        if tag & 7 != _BYTES:
            break
        length, at = _varint(content, at, end)
        if tag >> 3 == 1:
            names.append(content[at : at + length].decode("utf-8", "replace"))
        at += length
    return names


def _varint(content: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for position in range(at, min(end, at + _MAX_VARINT_BYTES)):
        byte = content[position]
        value |= (byte & 0x7F) << shift
        if byte < _LAST:
            return value, position + 1
        shift += 7
    raise _broken()


def _broken() -> ModelRefused:
    return ModelRefused("not-onnx", "the file cannot be parsed; expected an ONNX model")
