"""MessagePack in one zstd frame: the encoding of both blobs, with its limits before, while and after unpacking."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import msgpack
import zstandard

from trapper_schemas.column import Planes

MEDIA_TYPE = "application/octet-stream"
MAX_WINDOW_BYTES = 8 * 1024 * 1024
LEVEL = 1
"""Measured: with planes, higher levels take longer and save nothing (docs/benchmarks.md)."""
_WINDOW_LOG = 23  # 8 MiB; larger content is still one frame, only matched within this window
_SMALLEST_WINDOW_LOG = 10
_MAGIC = b"\x28\xb5\x2f\xfd"


class BlobRefused(ValueError):  # noqa: N818 - named after what is the case
    """A blob that breaks a rule; `reason` is a stable code, the message a plain sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Limits:
    """What a reader accepts."""

    compressed_bytes: int = 64 * 1024 * 1024
    content_bytes: int = 512 * 1024 * 1024
    items: int = 2_000_000
    depth: int = 8
    text_bytes: int = 1_000_000


DEFAULT_LIMITS = Limits()


_of_thread = threading.local()


def decompressor() -> zstandard.ZstdDecompressor:
    """This thread's own: making one takes longer than to decompress a small blob, and two threads may not share one."""
    try:
        return _of_thread.decompressor
    except AttributeError:
        _of_thread.decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        return _of_thread.decompressor


def encode(document: dict[str, Any], columns: Mapping[str, Planes] | None = None) -> bytes:
    """Pack a map whose first keys are `schema` and `schema_version`, and behind it the columns, where there are any.

    `columns` has dtype, shape and planes of each by name, `data` holds the bytes of all of them in that order.
    """
    if list(document)[:2] != ["schema", "schema_version"]:
        raise ValueError("a blob begins with schema and schema_version")
    pieces = _pack(document) if columns is None else _pack_with(document, columns)
    size = sum(map(len, pieces))
    window_log = min(_WINDOW_LOG, max(_SMALLEST_WINDOW_LOG, size.bit_length()))
    parameters = zstandard.ZstdCompressionParameters.from_level(LEVEL, source_size=size, window_log=window_log)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=size)
    # A block for each plane: what is alike is compressed with a table of its own, what is noise costs no time.
    written = [frame.compress(piece) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for piece in pieces]
    return b"".join((*written, frame.flush()))


def _pack(document: dict[str, Any]) -> list[bytes]:
    return [cast("bytes", msgpack.packb(document, use_bin_type=True))]


def _pack_with(document: dict[str, Any], columns: Mapping[str, Planes]) -> list[bytes]:
    packer = msgpack.Packer(use_bin_type=True)
    contents = {name: (each.column.dtype, each.column.shape, each.count) for name, each in columns.items()}
    fields = {**document, "columns": contents}
    planes = [part for each in columns.values() for part in each.parts() if part]
    head = [packer.pack_map_header(len(fields) + 1)]
    head += [packer.pack(key) + packer.pack(value) for key, value in fields.items()]
    head += [packer.pack("data"), _binary_header(sum(map(len, planes)))]
    return [b"".join(head), *planes]


def _binary_header(size: int) -> bytes:
    """How MessagePack begins a binary of so many bytes: bin 8, bin 16 or bin 32."""
    for code, width in ((0xC4, 1), (0xC5, 2), (0xC6, 4)):
        if size < 1 << 8 * width:
            return bytes((code,)) + size.to_bytes(width, "big")
    raise ValueError(f"columns of {size} bytes do not fit into a blob")


def decode(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The map inside a blob; raises BlobRefused for anything hostile or damaged, and never reads past a limit."""
    content = _decompress(blob, limits)
    document = _unpack(content, limits)
    if not isinstance(document, dict) or list(document)[:2] != ["schema", "schema_version"]:
        _refuse("no-schema", "the blob does not begin with schema and schema_version")
    _check_depth(document, limits)
    return document


def _refuse(reason: str, message: str) -> NoReturn:
    raise BlobRefused(reason, message)


def _decompress(blob: bytes, limits: Limits) -> bytes:
    if len(blob) > limits.compressed_bytes:
        _refuse("too-large", f"the blob has {len(blob)} bytes, at most {limits.compressed_bytes} are taken")
    if blob[:4] != _MAGIC:
        _refuse("not-zstd", "the blob is not a zstd frame")
    try:
        frame = zstandard.get_frame_parameters(blob)
    except zstandard.ZstdError:
        _refuse("truncated", "the blob ends inside its zstd header")
    if frame.content_size in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
        _refuse("no-content-size", "the zstd frame does not say how large its content is")
    if frame.content_size > limits.content_bytes:
        _refuse("too-large", f"the content has {frame.content_size} bytes, at most {limits.content_bytes} are taken")
    if frame.window_size > MAX_WINDOW_BYTES:
        _refuse("window", f"the zstd window has {frame.window_size} bytes, at most {MAX_WINDOW_BYTES} are taken")
    return _decompress_frame(blob, frame.content_size)


def _decompress_frame(blob: bytes, content_size: int) -> bytes:
    try:
        # One shot into a buffer of the declared size: a frame that lies about its size cannot fill more than that.
        content = decompressor().decompress(blob, allow_extra_data=False)
    except zstandard.ZstdError:
        _refuse("damaged", "the zstd frame is cut off, damaged, or followed by something else")
    if len(content) != content_size:
        _refuse("content-size", "the zstd frame is not as large as it says")
    return content


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            _refuse("key", "a map has a key that is not text")
        if key in result:
            _refuse("key", f"the key {key[:40]!r} occurs twice in a map")
        result[key] = value
    return result


def _extension(code: int, _data: bytes) -> NoReturn:
    _refuse("extension", f"extension type {code} is not part of the format")


def _unpack(content: bytes, limits: Limits) -> object:
    try:
        return msgpack.unpackb(
            content,
            object_pairs_hook=_pairs,
            ext_hook=_extension,
            raw=False,
            strict_map_key=False,
            max_str_len=limits.text_bytes,
            max_array_len=limits.items,
            max_map_len=limits.items,
            max_ext_len=0,
        )
    except BlobRefused:
        raise
    except (msgpack.StackError, RecursionError):
        _refuse("depth", "the content is nested too deeply")
    except (ValueError, msgpack.UnpackException) as problem:
        if "max_ext_len" in str(problem):  # one without any bytes is within the limit, and comes to `_extension`
            _refuse("extension", "extension types are not part of the format")
        _refuse("damaged", "the content is not MessagePack within its limits")


def _check_depth(document: object, limits: Limits) -> None:
    level: list[object] = [document]
    items = 0
    for _ in range(limits.depth + 1):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return
        items += len(below)
        if items > limits.items:
            _refuse("items", f"the content has more than {limits.items} items")
        level = below
    _refuse("depth", f"the content is nested deeper than {limits.depth}")
