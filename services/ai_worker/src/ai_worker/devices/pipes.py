"""Messages over a pipe: msgpack with a length prefix."""

import struct
from typing import Any, BinaryIO, Protocol

import msgpack

HEADER = struct.Struct("<Q")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024 * 1024


class PipeBroken(Exception):  # noqa: N818 - named after what is the case
    """The other side is gone, or sent no valid message."""


class Readable(Protocol):
    """The reading end of a pipe, buffered or not."""

    def read(self, size: int, /) -> bytes | None: ...


def pack(message: dict[str, Any]) -> bytes:
    """Returns one message as bytes."""
    body = msgpack.packb(message, use_bin_type=True) or b""
    return HEADER.pack(len(body)) + body


def length_of(header: bytes) -> int:
    """Returns how many bytes follow this header."""
    (length,) = HEADER.unpack(header)
    if length > MAX_MESSAGE_BYTES:
        raise PipeBroken(f"a message of {length} bytes")
    return int(length)


def unpack(body: bytes) -> dict[str, Any]:
    """Returns the message in these bytes."""
    message = msgpack.unpackb(body, raw=False, max_bin_len=MAX_MESSAGE_BYTES, strict_map_key=True)
    if not isinstance(message, dict):
        raise PipeBroken("a message that is not a map")
    return message


def read(pipe: Readable) -> dict[str, Any] | None:
    """Returns the next message, or None when the other side has closed the pipe."""
    header = _exactly(pipe, HEADER.size)
    if header is None:
        return None
    body = _exactly(pipe, length_of(header))
    if body is None:
        return None
    return unpack(body)


def write(pipe: BinaryIO, message: dict[str, Any]) -> None:
    """Writes one whole message."""
    pipe.write(pack(message))
    pipe.flush()


def _exactly(pipe: Readable, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = pipe.read(min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
