"""Replies of the other side: read within limits, decoded, and turned into models or problems."""

import asyncio
import math
import zlib
from typing import TypeVar

import httpx
from pydantic import BaseModel
from zstandard import ZstdDecompressor, ZstdError

from trapper_kit.problems import Problem, TooLarge, Unavailable, from_body
from trapper_schemas.problem import MEDIA_TYPE, ProblemBody

STREAM_SECONDS = 600.0
MAX_RETRY_AFTER_SECONDS = 3_600.0
_CHUNK = 1 << 16
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
Model = TypeVar("Model", bound=BaseModel)


class BadReply(Problem):
    type = "bad-reply"
    title = "The other service's reply does not follow the protocol"
    status = 502


class Unreachable(Problem):
    type = "unreachable"
    title = "The other service did not answer"
    status = 503


async def read_whole(response: httpx.Response, at_most: int) -> httpx.Response:
    """The response with its decoded body; raises TooLarge, before more than the limit stands in memory."""
    try:
        raw = bytearray()
        async for chunk in response.aiter_raw(_CHUNK):
            raw += chunk
            if len(raw) > at_most:
                raise TooLarge(f"the reply is longer than {at_most} bytes")
    finally:
        await response.aclose()
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
    body = _decode(bytes(raw), encoding, at_most)
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)


def _decode(raw: bytes, encoding: str, at_most: int) -> bytes:
    try:
        if encoding in {"", "identity"} or not raw:
            return raw
        if encoding == "gzip":
            body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(raw, at_most + 1)
        elif encoding == "zstd":
            body = ZstdDecompressor().stream_reader(raw, read_across_frames=True).read(at_most + 1)
        else:
            raise BadReply(f"the reply is encoded as {encoding[:40]!r}, which was not requested")
    except (zlib.error, ZstdError) as problem:
        raise BadReply("the reply cannot be decompressed") from problem
    if len(body) > at_most:
        raise TooLarge(f"the reply is longer than {at_most} bytes once it is decompressed")
    return body


def parse_reply(kind: type[Model], response: httpx.Response) -> Model:
    """The reply as a model; raises BadReply for HTML, other documents, and JSON nested too deep."""
    try:
        return kind.model_validate_json(response.content)
    except (ValueError, RecursionError) as problem:
        path = response.request.url.path[:200]
        raise BadReply(f"the reply to {path} is no {kind.__name__.partition('[')[0]}") from problem


def raise_for_problem(response: httpx.Response) -> None:
    """Turn a problem body into the exception of the same type; any other refusal becomes Unavailable or BadReply."""
    if response.is_success:
        return
    status = response.status_code
    if not response.is_error:
        raise BadReply(f"the other side answered {status}; redirects are not followed")
    seconds = _retry_after(response)
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        try:
            body = ProblemBody.model_validate_json(response.content)
        except (ValueError, RecursionError):
            body = None
        if body is not None:
            raise from_body(body, retry_after=seconds)
    raise Unavailable(f"the other side answered {status}", retry_after=seconds, answered=status)


def _retry_after(response: httpx.Response) -> float | None:
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None


async def read_limited(response: httpx.Response, *, at_most: int, within: float = STREAM_SECONDS) -> bytes:
    """The whole body; raises TooLarge above `at_most` bytes, Unreachable when it takes longer than `within` seconds."""
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for chunk in response.aiter_bytes(_CHUNK):
                body += chunk
                if len(body) > at_most:
                    raise TooLarge(f"the body is longer than {at_most} bytes")
    except TimeoutError as problem:
        raise Unreachable(f"the body did not arrive within {within:g} seconds") from problem
    return bytes(body)
