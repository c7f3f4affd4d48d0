"""A server that takes every connection, reads what comes, and never answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class BlackHole:
    """Where it listens, and how many bytes it has swallowed."""

    port: int
    swallowed: int = 0
    connections: int = 0

    @property
    def redis_url(self) -> str:
        """As the address of a Redis."""
        return f"redis://:secret@127.0.0.1:{self.port}/0"


@asynccontextmanager
async def black_hole() -> AsyncGenerator[BlackHole, None]:
    """Listens on a free port while the block runs."""
    hole = BlackHole(0)

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hole.connections += 1
        try:
            while data := await reader.read(65536):
                hole.swallowed += len(data)
        finally:
            writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    hole.port = server.sockets[0].getsockname()[1]
    try:
        yield hole
    finally:
        server.close()
