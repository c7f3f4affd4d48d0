"""Reads replies within limits: how many bytes, how long, how deep; what no service of Trapper sends is refused."""

import math
import time
import zlib
from collections.abc import Iterator

import httpx
from pydantic_core import from_json

from trapper_client.errors import Unreachable

MAX_REPLY_BYTES = 64 << 20
MAX_REPLY_SECONDS = 120.0
MAX_RETRY_AFTER_SECONDS = 30.0
ACCEPTED = {"Accept-Encoding": "gzip"}
_GZIP = 16
_CHUNK_BYTES = 1 << 20


def read_body(response: httpx.Response, *, at_most: int = MAX_REPLY_BYTES) -> bytes:
    """The whole body; raises Unreachable above `at_most` bytes or MAX_REPLY_SECONDS."""
    return b"".join(read_chunks(response, at_most=at_most, within=MAX_REPLY_SECONDS))


def read_chunks(response: httpx.Response, *, at_most: int, within: float) -> Iterator[bytes]:
    """The body in chunks, decompressed; raises Unreachable above `at_most` bytes or `within` seconds."""
    host = response.request.url.host
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Unreachable(f"{host} sent a reply compressed as {encoding[:40]!r}, which was not requested.")
    size, until = 0, time.monotonic() + within
    for chunk in _gunzip(response.iter_raw(), host) if encoding == "gzip" else response.iter_raw():
        size += len(chunk)
        if size > at_most:
            raise Unreachable(f"{host} sent a reply of more than {at_most} bytes.")
        if time.monotonic() > until:
            raise Unreachable(f"The reply of {host} did not end within {within:.0f} s.")
        yield chunk


def _gunzip(chunks: Iterator[bytes], host: str) -> Iterator[bytes]:
    """Decompressed chunks of bounded size, however far a compressed one expands."""
    decoder = zlib.decompressobj(zlib.MAX_WBITS | _GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest and not decoder.eof:
                yield decoder.decompress(rest, _CHUNK_BYTES)
                rest = decoder.unconsumed_tail
    except zlib.error:
        raise Unreachable(f"{host} sent a reply that cannot be decompressed.") from None
    if not decoder.eof:
        raise Unreachable(f"{host} sent a compressed reply that is not complete.")


def parse_document(content: bytes, call: str) -> object:
    """A reply's JSON document, None without a body; raises Unreachable where it is none, or nested too deeply."""
    if not content:
        return None
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as problem:
        raise Unreachable(f"{call}: the reply is no JSON document ({problem}). Is the address right?") from None


def retry_after(response: httpx.Response | None) -> float:
    """The pause in seconds that a reply asks for, at most MAX_RETRY_AFTER_SECONDS; 0 where it is no number."""
    try:
        seconds = 0.0 if response is None else float(response.headers.get("Retry-After", 0.0))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else 0.0
