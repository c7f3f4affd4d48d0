"""A recorded conversation as a readable file: values that differ each time are placeholders, blobs are files beside it.

A placeholder `{{name}}` stands for an id, a token or a hash. Its first appearance in a reply gives it its value, every
later one must be that value, and in requests it is filled in; inside blobs, too, whose ids are rewritten with the raw
codec (MessagePack and zstd, none of the project's own code).
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import msgpack
import zstandard

RECORDED = Path(__file__).parent / "recorded"
_PLACEHOLDER = re.compile(r"\{\{([a-z0-9_.]+)\}\}")
_STABLE = (".type", ".reason", ".code", ".content-type")
"""Texts by which programs decide."""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass
class Exchange:
    """One call and its reply; a body is JSON, a file beside the recording, or nothing."""

    by: str
    method: str
    path: str
    headers: dict[str, str]
    json: Any
    file: str | None
    status: int
    reply_headers: dict[str, str]
    reply: Any


@dataclass
class Conversation:
    """What was there before the first word, what was said, and the values that stand inside the recorded blobs."""

    protocol: int
    model: dict[str, Any]
    weights: str
    in_blobs: dict[str, str] = field(default_factory=dict[str, str])
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    @classmethod
    def read(cls, name: str) -> "Conversation":
        """A recording by its name."""
        document = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
        exchanges = [Exchange(**one) for one in document.pop("exchanges")]
        return cls(**document, exchanges=exchanges)

    def write(self, path: Path) -> None:
        """As it is committed."""
        document = {**vars(self), "exchanges": [vars(one) for one in self.exchanges]}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


class Unlike(AssertionError):  # noqa: N818 - named after what is the case
    """A reply that a reader of the recording could not take for the recorded one."""


def fill(value: Any, names: dict[str, str]) -> Any:
    """The value with every placeholder filled in."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: names[found[1]], value)
    if isinstance(value, list):
        return [fill(one, names) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: fill(one, names) for key, one in cast("dict[str, Any]", value).items()}
    return value


def compare(recorded: Any, actual: Any, names: dict[str, str], where: str = "reply") -> None:
    """Every recorded field is there, with its type; a placeholder gets its value, or must have it already."""
    if isinstance(recorded, dict):
        _compare_fields(cast("dict[str, Any]", recorded), actual, names, where)
    elif isinstance(recorded, list):
        if not isinstance(actual, list) or bool(recorded) != bool(actual):
            raise Unlike(f"{where} was {recorded!r} and is {actual!r}")
        for index, (one, other) in enumerate(zip(cast("list[Any]", recorded), cast("list[Any]", actual), strict=False)):
            compare(one, other, names, f"{where}[{index}]")
    elif isinstance(recorded, str):
        _compare_text(recorded, actual, names, where)
    elif recorded is not None and _kind(recorded) != _kind(actual):
        raise Unlike(f"{where} was {recorded!r} and is {actual!r}")


def _compare_fields(recorded: dict[str, Any], actual: Any, names: dict[str, str], where: str) -> None:
    if not isinstance(actual, dict):
        raise Unlike(f"{where} was an object and is {actual!r}")
    for key, value in recorded.items():
        if key in actual:
            compare(value, actual[key], names, f"{where}.{key}")
        elif ".labels[" not in where or value not in (None, []):  # of a label, what says nothing may be left out
            raise Unlike(f"{where}.{key} is gone")


def _compare_text(recorded: str, actual: Any, names: dict[str, str], where: str) -> None:
    if not isinstance(actual, str):
        raise Unlike(f"{where} was the text {recorded!r} and is {actual!r}")
    if where.endswith(_STABLE) and recorded != actual:
        raise Unlike(f"{where} was {recorded!r} and is {actual!r}")
    placeholder = _PLACEHOLDER.fullmatch(recorded)
    if placeholder is not None and names.setdefault(placeholder[1], actual) != actual:
        raise Unlike(f"{where} is {actual!r}, and {placeholder[1]} is {names[placeholder[1]]!r}")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "yes or no"
    return "number" if isinstance(value, int | float) else type(value).__name__


def rewrite(blob: bytes, values: dict[str, str]) -> bytes:
    """A blob with these texts, and these ids as bytes, in the place of others; one that cannot be read stays."""
    try:
        content = zstandard.ZstdDecompressor().decompress(blob)
        document = msgpack.unpackb(content, strict_map_key=False)
    except (zstandard.ZstdError, ValueError, msgpack.UnpackException):
        return blob
    packed = cast("bytes", msgpack.packb(_rewritten(document, values)))
    return zstandard.ZstdCompressor().compress(packed)


def _rewritten(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, str):
        return values.get(value, value)
    if isinstance(value, bytes):
        for was, now in values.items():
            if _UUID.fullmatch(was):
                value = value.replace(UUID(was).bytes, UUID(now).bytes)
        return value
    if isinstance(value, list):
        return [_rewritten(one, values) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _rewritten(one, values) for key, one in cast("dict[Any, Any]", value).items()}
    return value


def sha256_of(content: bytes) -> str:
    """As it stands in headers."""
    return hashlib.sha256(content).hexdigest()
