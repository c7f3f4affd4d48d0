"""The task process of a service: task messages on threads, sweeps, other parts, and a status page."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from fastapi import FastAPI, Request

from trapper_kit.broker import Task, TaskBook, measure_queue, open_broker
from trapper_kit.cron import Sweeps
from trapper_kit.logs import bound, log
from trapper_kit.metrics import Family
from trapper_kit.parts import PartEnded, run_parts
from trapper_kit.problems import Unavailable
from trapper_kit.redis_client import UNREACHABLE
from trapper_kit.settings import SettingsRefused
from trapper_kit.turns import run_turn
from trapper_kit.web.app import build_app
from trapper_kit.web.page import serve_page
from trapper_kit.work import Work

_THREADS_CHECK_SECONDS = 1.0
_STOP_MS = 10_000


class TaskProcess:
    """Runs the tasks of a book: messages on threads, their coroutines on one event loop."""

    def __init__(self, book: TaskBook, work: Work[Any], *, service: str, namespace: str) -> None:
        settings = work.settings
        self.book, self.work, self.service = book, work, service
        self.broker: RedisBroker | None = open_broker(settings, namespace)
        self.sweeps = Sweeps(book, work, work.database, service=service, settings=settings)
        self.threads = settings.task_threads
        self.address = settings.tasks_address
        self.stopping = asyncio.Event()
        self.ended = asyncio.Event()
        self.port: int | None = None
        self.worker: dramatiq.Worker | None = None

    async def run(
        self, parts: Mapping[str, Coroutine[Any, Any, None]] | None = None, *, leave_seconds: float | None = None
    ) -> bool:
        """Runs until `stopping` is set; returns False when a part ended before, which ends all others."""
        loop = asyncio.get_running_loop()
        listening = _listen(self.address) if self.address is not None else None
        every = {**(parts or {}), "sweeps": self.sweeps.run()}
        if listening is not None:
            self.port = listening.getsockname()[1]
            every["page"] = serve_page(self._page(), self.work.settings, listening)
        worker = self.worker = self._start(loop) if self.broker is not None else None
        if worker is not None:
            every["messages"] = _watch_threads(worker)
        log("tasks.started", tasks=len(self.book.tasks), threads=self.threads if worker else 0, port=self.port)
        try:
            return await run_parts(every, self.stopping, leave_seconds=leave_seconds)
        finally:
            self.ended.set()
            if worker is not None:
                await asyncio.to_thread(worker.stop, timeout=_STOP_MS)
            log("tasks.stopped")

    def _start(self, loop: asyncio.AbstractEventLoop) -> dramatiq.Worker:
        def call(task: Task, arguments: dict[str, Any]) -> None:
            async def within() -> None:
                with bound(task=task.name, **arguments):
                    await run_turn(task.run(self.work, **arguments))

            asyncio.run_coroutine_threadsafe(within(), loop).result()

        assert self.broker is not None  # noqa: S101 - the caller looked
        self.book.declare(self.broker, call, self.service)
        worker = dramatiq.Worker(self.broker, worker_threads=self.threads, worker_timeout=200)
        worker.start()
        return worker

    def _page(self) -> FastAPI:
        """Returns the app with /healthz, /readyz and /metrics of this process."""

        async def ready(_: Request) -> dict[str, Any]:
            await self.work.database.check()
            stale = self.sweeps.stale
            if stale:
                raise Unavailable("; ".join(stale))
            return {"leader": self.sweeps.is_leader, "queue": "swept" if self.broker is None else "configured"}

        async def measure(_: Request) -> Sequence[Family]:
            families = self.sweeps.measure()
            if self.broker is not None:
                try:
                    families += await asyncio.to_thread(measure_queue, self.broker, self.service)
                except UNREACHABLE as error:
                    log("queue.unmeasured", problem=str(error))
            return families

        app = build_app(
            service=f"{self.service}_tasks",
            title=f"Tasks of {self.service}",
            version="1",
            routers=(),
            lifespan=_no_lifespan,
            ready=ready,
            measure=measure,
        )
        app.state.work = self.work
        return app


@asynccontextmanager
async def _no_lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
    """The process opened everything already."""
    yield


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except OSError as error:
        raise SettingsRefused(
            f"the page of the task process cannot listen on {address}: {error.strerror}; "
            "give another address, or an empty one for no page, as TASKS_ADDRESS with this service's prefix"
        ) from None


async def _watch_threads(worker: dramatiq.Worker) -> None:
    """Raises when a thread of the worker ends, which Dramatiq does not notice."""
    while True:
        await asyncio.sleep(_THREADS_CHECK_SECONDS)
        ended = [thread.name for thread in (*worker.workers, *worker.consumers.values()) if not thread.is_alive()]
        if ended:
            raise PartEnded(f"these threads ended: {', '.join(ended)}")
