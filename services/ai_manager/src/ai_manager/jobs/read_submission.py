"""Reads a job or a page as a stream, so that memory stays small for a hundred thousand resources."""

import codecs
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import zstandard
from pydantic import ValidationError

from ai_manager.batches.pack import pack, raw
from ai_manager.jobs.spool import Chunks, Ids
from trapper_kit.problems import Invalid, Malformed, TooLarge
from trapper_schemas.codec import MAX_WINDOW_BYTES
from trapper_schemas.problem import FieldError, field_message
from trapper_schemas.v1.resources import ResourceRef

CHUNK_RESOURCES = 1000
MAX_RESOURCES = 100_000
MAX_PENDING_CHARACTERS = 1_000_000
_ZSTD_SLICE = 256  # a hostile frame makes at most some megabytes of so few bytes
_SPACE = " \t\n\r"


@dataclass
class Submission:
    """The document without its resources, and those packed in chunks of a thousand; closed after use."""

    head: dict[str, Any]
    chunks: Chunks
    ids: Ids
    total: int
    sha256: str

    def close(self) -> None:
        """Deletes the chunks."""
        self.chunks.close()


async def decompress(chunks: AsyncIterator[bytes], *, at_most: int) -> AsyncIterator[bytes]:
    """Yields a zstd body decompressed; raises TooLarge above `at_most` bytes."""
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()
    so_far = 0
    async for chunk in chunks:
        for start in range(0, len(chunk), _ZSTD_SLICE):
            try:
                content = reader.decompress(chunk[start : start + _ZSTD_SLICE])
            except zstandard.ZstdError as problem:
                raise Malformed("the body is not one zstd frame") from problem
            if reader.unused_data:
                raise Malformed("the body has data after its zstd frame")
            so_far += len(content)
            if so_far > at_most:
                raise TooLarge(f"the body is longer than {at_most} bytes")
            if content:
                yield content
    if not reader.eof:
        raise Malformed("the body ends in the middle of its zstd frame")


async def read_submission(chunks: AsyncIterator[bytes]) -> Submission:
    """Reads the body; Malformed for what is not JSON, Invalid for a bad resource, by its number."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    reader = _Reader()
    try:
        async for chunk in chunks:
            reader.feed(decoder.decode(chunk))
        reader.feed(decoder.decode(b"", final=True))
        return reader.finish()
    except UnicodeDecodeError as problem:
        reader.chunks.close()
        raise Malformed("the body is not UTF-8") from problem
    except BaseException:
        reader.chunks.close()
        raise


@dataclass
class _Reader:
    text: str = ""
    place: str = "start"
    key: str = ""
    head: dict[str, Any] = field(default_factory=dict)
    items: list[ResourceRef] = field(default_factory=list)
    chunks: Chunks = field(default_factory=Chunks)
    seen: Ids = field(default_factory=Ids)
    digest: Any = field(default_factory=hashlib.sha256)
    decoder: json.JSONDecoder = field(default_factory=json.JSONDecoder)

    def feed(self, text: str) -> None:
        """Parses what is complete and keeps the rest."""
        self.text = (self.text + text) if self.text else text
        at = 0
        while (after := self._step(at)) is not None:
            at = after
        self.text = self.text[at:]
        if len(self.text) > MAX_PENDING_CHARACTERS:
            raise Malformed(f"a value is not JSON, or has more than {MAX_PENDING_CHARACTERS} characters")

    def finish(self) -> Submission:
        """Returns the submission; raises Malformed when the body is incomplete."""
        if self.place != "end" or self.text.strip():
            raise Malformed("the body is not one whole JSON object")
        self._pack()
        canonical = json.dumps(self.head, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.digest.update(canonical.encode("utf-8", "surrogatepass"))  # half a character is refused with its field
        return Submission(self.head, self.chunks, self.seen, len(self.seen), self.digest.hexdigest())

    def _step(self, at: int) -> int | None:
        """Returns the next token, or None when it is incomplete."""
        while at < len(self.text) and self.text[at] in _SPACE:
            at += 1
        if at >= len(self.text) or self.place == "end":
            return None
        if self.place in {"start", "colon", "after value", "after item"}:
            return self._punctuation(at)
        if self.place == "item" and self.text[at] == "]":
            self.place = "after value"
            return at + 1
        if self.place == "key" and self.text[at] == "}":
            self.place = "end"
            return at + 1
        if self.place == "value" and self.key == "resources" and self.text[at] == "[":
            if "resources" in self.head:
                raise Malformed("resources are in the body twice")
            self.head["resources"] = []
            self.place = "item"
            return at + 1
        return self._value(at)

    def _punctuation(self, at: int) -> int:
        expected = {
            "start": {"{": "key"},
            "colon": {":": "value"},
            "after value": {",": "key", "}": "end"},
            "after item": {",": "item", "]": "after value"},
        }[self.place]
        if self.text[at] not in expected:
            raise Malformed("the body is not a JSON object")
        self.place = expected[self.text[at]]
        return at + 1

    def _value(self, at: int) -> int | None:
        try:
            value, after = self.decoder.raw_decode(self.text, at)
        except (ValueError, RecursionError):
            return None  # not whole yet; nonsense ends at the limit, or when the body does
        if after >= len(self.text):
            return None  # a number may go on
        if self.place == "key":
            if not isinstance(value, str):
                raise Malformed("a key of the body is not text")
            self.key, self.place = value, "colon"
        elif self.place == "value":
            self.head[self.key] = value
            self.place = "after value"
        else:
            self._take(value)
            self.place = "after item"
        return after

    def _take(self, value: object) -> None:
        number = len(self.seen)
        if number >= MAX_RESOURCES:
            raise TooLarge(f"one page holds at most {MAX_RESOURCES} resources; append the rest as pages")
        try:
            reference = ResourceRef.model_validate(value)
        except ValidationError as problem:
            first = problem.errors(include_input=False, include_url=False)[0]
            raise invalid_resource([number, *first["loc"]], str(first["type"]), field_message(first)) from problem
        if not self.seen.add(reference.id.bytes):
            raise invalid_resource([number, "id"], "twice", f"resource {reference.id} is in the body twice")
        self.items.append(reference)
        if len(self.items) == CHUNK_RESOURCES:
            self._pack()

    def _pack(self) -> None:
        if self.items:
            packed = pack(self.items)
            self.digest.update(hashlib.sha256(raw(packed)).digest())  # not of the frame: another zstd packs otherwise
            self.chunks.add(len(self.items), packed)
            self.items = []


def invalid_resource(loc: list[str | int], code: str, message: str) -> Invalid:
    """Returns the error for one resource of the body, named by its number."""
    where: list[str | int] = ["body", "resources", *loc]
    return Invalid(
        f"not valid: {'.'.join(str(part) for part in where[1:])}: {message}",
        errors=[FieldError(loc=where, code=code, message=message)],
    )
