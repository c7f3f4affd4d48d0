"""Serves an app beside other parts of a process, which has signals and sockets of its own."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from trapper_kit.parts import LEAVE_SECONDS, run_parts
from trapper_kit.settings import ServiceSettings
from trapper_kit.web.serve import server_options

GRACEFUL_SECONDS = 3


class _Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve_page(app: FastAPI, settings: ServiceSettings, listening: socket.socket) -> None:
    """Serve until cancelled, under the limits of connections of the web process."""
    config = uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=GRACEFUL_SECONDS, **server_options(settings))
    server = _Server(config)
    try:
        await server.serve([listening])
    finally:
        for each in getattr(server, "servers", ()):
            each.close()  # a socket that is closed by itself stays in the event loop, under a number that is used again
        listening.close()


@asynccontextmanager
async def parts_beside(app: FastAPI, parts: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncGenerator[None, None]:
    """Runs the parts of a web process while the block runs; one that ends stops the server, see `serve`."""
    stopping = asyncio.Event()
    stop_server = getattr(app.state, "stop_server", None)

    async def run() -> None:
        if not await run_parts(parts, stopping, leave_seconds=LEAVE_SECONDS if stop_server else None) and stop_server:
            stop_server()

    running = asyncio.create_task(run())
    try:
        yield
    finally:
        stopping.set()
        await running
