"""A TCP proxy whose link can be slow, thin, cut in mid-body, half open, or lose every reply."""

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from tests.support.chaos_http import DUPLICATE, Address, Requests

_CHUNK = 1 << 16
_DIAL_SECONDS = 5.0
_RESET = struct.pack("ii", 1, 0)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


EVERY = 20


class Trouble(StrEnum):
    """What can be wrong with a link."""

    LATENCY = "latency"
    TRICKLE = "trickle"
    RESET = "reset in mid-body"
    BLACKHOLE = "half-open blackhole"
    REPLY_DROPPED = "reply dropped"


class _Cut(Exception):  # noqa: N818 - named after what is the case
    """Both ends are reset now."""


@dataclass
class _Connection:
    asked: bool = False
    """Something went to the server while replies were dropped."""
    dead: bool = False
    """Half open: nothing passes any more, and nobody is told, not even after the trouble is over."""


@dataclass
class Link:
    """A port on the loopback address before one or several servers; each connection goes to one of them by chance."""

    name: str
    servers: Sequence[Address]
    rng: Random
    heard: Callable[[str, Sequence[Address], bytes], None] | None = None
    """Told of every HTTP request while `replaying`, else of some; None where other protocols are spoken."""
    trouble: Trouble | None = None
    troubled: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever sets `trouble`: one at a time."""
    replaying: bool = False
    every: int = EVERY
    """At any time one request in so many is said again; 0 for none."""
    port: int = 0
    bites: int = 0
    """How often a trouble has really hit something that was under way."""
    answers: Counter[str] = field(default_factory=Counter[str])
    """What was answered over HTTP: how often each status, and `duplicate` for bytes that were there already."""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def url(self) -> str:
        """For those who speak HTTP."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen on a port that is free."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection()
        ends, in_order = [writer], False
        try:
            if self.trouble is Trouble.BLACKHOLE:
                await self._swallow(connection, reader)
            dialled = await self._dial()
            if dialled is not None:
                there_reader, there_writer = dialled
                ends.append(there_writer)
                in_order = await _first_of(
                    self._upwards(connection, reader, there_writer), self._downwards(connection, there_reader, writer)
                )
        finally:
            for end in ends:
                end.close() if in_order else _reset(end)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for server in self.rng.sample(self.servers, len(self.servers)):
            with suppress(OSError, TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(*server), _DIAL_SECONDS)
        return None

    async def _upwards(self, one: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = Requests()
        while data := await self._read(one, reader):
            if self.heard is not None:
                for request in requests.feed(data):
                    self.bites += self.replaying
                    if self.replaying or (self.every and self.rng.randrange(self.every) == 0):
                        self.heard(self.name, self.servers, request)
            if self.trouble is Trouble.REPLY_DROPPED:
                one.asked = True
            await self._pass(one, reader, data, writer)

    async def _downwards(self, one: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await self._read(one, reader):
            if self.heard is not None:
                self._count(data)
            if self.trouble is Trouble.REPLY_DROPPED and one.asked:
                self.bites += 1
                raise _Cut
            await self._pass(one, reader, data, writer)

    def _count(self, data: bytes) -> None:
        """By the first line of an answer, which begins a piece of the stream; one that does not is missed."""
        if status := _STATUS.match(data):
            self.answers[status[1].decode()] += 1
        self.answers["duplicate"] += len(DUPLICATE.findall(data))

    async def _read(self, one: _Connection, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(_CHUNK)
        except OSError:
            if not one.dead:
                raise
            data = b""
        if one.dead:
            await self._swallow(one, reader)
        return data

    async def _pass(
        self, one: _Connection, reader: asyncio.StreamReader, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        trouble = self.trouble
        if trouble is Trouble.BLACKHOLE:
            await self._swallow(one, reader)
        elif trouble is Trouble.RESET:
            self.bites += 1
            writer.write(data[: self.rng.randrange(len(data))])
            await asyncio.wait_for(writer.drain(), 1.0)
            raise _Cut
        elif trouble is Trouble.LATENCY:
            self.bites += 1
            await asyncio.sleep(self.rng.uniform(0.1, 0.7))
        elif trouble is Trouble.TRICKLE:
            self.bites += 1
            data = await self._trickle(data, writer)
        writer.write(data)
        await writer.drain()

    async def _trickle(self, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        """Some bytes at a time as long as the trouble lasts; what is left then."""
        while data and self.trouble is Trouble.TRICKLE:
            writer.write(data[:160])
            await writer.drain()
            data = data[160:]
            await asyncio.sleep(0.05)
        return data

    async def _swallow(self, one: _Connection, reader: asyncio.StreamReader) -> None:
        """Nothing of what comes is passed on, not even an end; only the end of the test ends it for the other side."""
        self.bites += 1
        one.dead = True
        with suppress(OSError):
            while await reader.read(_CHUNK):
                continue
        await asyncio.Event().wait()


async def _first_of(*pumps: Coroutine[None, None, None]) -> bool:
    """Until one side ends; whether it ended in order."""
    tasks = [asyncio.create_task(pump) for pump in pumps]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return all(task.exception() is None for task in done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """As a router does that forgot the connection: RST, and what was under way is gone."""
    held: socket.socket | None = writer.get_extra_info("socket")
    with suppress(OSError):
        if held is not None:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
