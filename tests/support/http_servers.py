"""Small real HTTP servers on the loopback address, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncGenerator[str, None]:
    """Serve an app on a free port, with uvicorn's options; the value is its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        quiet: dict[str, Any] = {"access_log": False, "log_config": None, "timeout_graceful_shutdown": 1}
        server = _Quiet(uvicorn.Config(app, **{**quiet, **options}))
        task = asyncio.create_task(server.serve([listening]))
        while not (server.started or task.done()):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.002)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task
