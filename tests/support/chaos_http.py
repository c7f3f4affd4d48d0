"""Cuts what passes a proxy into HTTP requests, and sends each of them again: later, doubled, word for word."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

Address = tuple[str, int]
_END_OF_HEAD = b"\r\n\r\n"
_AN_ID = re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64})(?=/|$)")
_ANSWER_SECONDS = 15.0
_AT_ONCE = 6
_PENDING_AT_MOST = 300
_LOOKED_INTO = 1 << 16
DUPLICATE = re.compile(rb'"duplicate": ?true')


class Requests:
    """One connection's stream towards the server; `feed` answers with the requests that became complete."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """What is whole now, verbatim; the rest waits for more."""
        self._waiting += data
        whole: list[bytes] = []
        while (length := _length(self._waiting)) is not None:
            whole.append(bytes(self._waiting[:length]))
            del self._waiting[:length]
        return whole


def _length(stream: bytearray) -> int | None:
    """Of the first request, or None while it is not all there."""
    head = stream.find(_END_OF_HEAD)
    if head < 0:
        return None
    body = head + len(_END_OF_HEAD)
    lines = (line.partition(b":") for line in bytes(stream[:head]).lower().split(b"\r\n")[1:])
    fields = {name: value for name, _, value in lines}
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        return _end_of_chunks(stream, body)
    end = body + int(fields.get(b"content-length", b"0"))
    return end if len(stream) >= end else None


def _end_of_chunks(stream: bytearray, at: int) -> int | None:
    while (line := stream.find(b"\r\n", at)) >= 0:
        size = int(bytes(stream[at:line]).partition(b";")[0], 16)
        at = line + 2 + size + 2
        if size == 0:
            return at if len(stream) >= at else None
    return None


def call_of(request: bytes) -> str:
    """Method and path without ids and query: what kind of call it is."""
    method, target, *_ = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return f"{method} {_AN_ID.sub('/{id}', target.partition('?')[0])}"


@dataclass
class Replays:
    """Sends requests again to whoever serves; `answers` counts what came back, by link, kind of call and status."""

    rng: Random
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    duplicates: int = 0
    """How many answers said that these bytes were there already."""
    _pending: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _lanes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def pending(self) -> int:
        """How many are still to be sent, or to be answered."""
        return len(self._pending)

    def answered(self, link: str) -> int:
        """How many of a link's requests were answered once more."""
        return sum(count for (of, _, _), count in self.answers.items() if of == link)

    def double(self, link: str, servers: Sequence[Address], request: bytes) -> None:
        """Twice more, each some time later, and not to the same server necessarily."""
        for _ in range(2):
            if len(self._pending) < _PENDING_AT_MOST:
                task = asyncio.create_task(self._again(link, self.rng.choice(servers), request))
                self._pending.add(task)
                task.add_done_callback(self._pending.discard)

    async def _again(self, link: str, server: Address, request: bytes) -> None:
        await asyncio.sleep(self.rng.uniform(0.2, 4.0))
        async with self._lanes:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    status, said = await _send(server, request)
            except (OSError, TimeoutError, ValueError, IndexError):
                return
        self.answers[link, call_of(request), str(status)] += 1
        self.duplicates += DUPLICATE.search(said) is not None

    async def close(self) -> None:
        """What was not sent yet never is."""
        for task in list(self._pending):
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)


async def _send(server: Address, request: bytes) -> tuple[int, bytes]:
    """The status, and how the answer begins."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(request)
        await writer.drain()
        status = int((await reader.readline()).split()[1])
        return status, await reader.read(_LOOKED_INTO)
    finally:
        writer.transport.abort()
