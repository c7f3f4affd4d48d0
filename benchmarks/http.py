"""The smallest HTTP client that speaks to the Manager: a load generator must not eat the cores it measures."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from trapper_schemas.protocol import PROTOCOL


class Connection:
    """One kept-alive connection of one caller; a call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, token: str) -> None:
        self.reader = reader
        self.writer = writer
        self.host = host
        self.speak_as(token)

    def speak_as(self, token: str) -> None:
        """Whose calls the next ones are."""
        self.common = f"Host: {self.host}\r\nTrapper-Protocol: {PROTOCOL}\r\nAuthorization: Bearer {token}\r\n"

    @classmethod
    @asynccontextmanager
    async def opened(cls, host: str, port: int, token: str) -> AsyncGenerator["Connection", None]:
        """Connect, and hang up in the end."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            yield cls(reader, writer, host, token)
        finally:
            writer.close()

    async def request(self, method: str, path: str, body: bytes = b"", *, more: str = "") -> tuple[int, bytes]:
        """Status and body of the answer; `more` are header lines, each with its end."""
        head = f"{method} {path} HTTP/1.1\r\n{self.common}{more}Content-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        return await self._answer()

    async def stream(
        self, method: str, path: str, chunks: AsyncIterator[bytes], *, more: str = ""
    ) -> tuple[int, bytes]:
        """The same with a body that is written while it is sent."""
        head = f"{method} {path} HTTP/1.1\r\n{self.common}{more}Transfer-Encoding: chunked\r\n\r\n"
        self.writer.write(head.encode())
        async for chunk in chunks:
            self.writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await self.writer.drain()
        self.writer.write(b"0\r\n\r\n")
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in answer.split(b"\r\n"):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return int(answer[9:12]), await self.reader.readexactly(length)

    async def json(self, method: str, path: str, document: Any, *, more: str = "") -> Any:
        """The answer's document; anything but success is an error."""
        more += "Content-Type: application/json\r\n"
        status, body = await self.request(method, path, json.dumps(document).encode(), more=more)
        assert 200 <= status < 300, f"{method} {path}: {status} {body[:500]!r}"
        return json.loads(body) if body else None


def on_fast_loop(load: Coroutine[Any, Any, Any]) -> Any:
    """Run a load generator on the loop that costs least."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load)
