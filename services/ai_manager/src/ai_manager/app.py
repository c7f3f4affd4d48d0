"""The web process: one app from the routes of every feature; the only importer of routes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request

from ai_manager.batches.record_uptime import record_uptime
from ai_manager.batches.routes import router as batches
from ai_manager.catalog.routes import router as catalog
from ai_manager.deps import Work, work_of
from ai_manager.heartbeats.routes import router as heartbeats
from ai_manager.jobs.routes import STREAMED_BODIES
from ai_manager.jobs.routes import router as jobs
from ai_manager.notify import listen
from ai_manager.queues.report_metrics import report_metrics
from ai_manager.queues.routes import router as queues
from ai_manager.results.routes import router as results
from ai_manager.settings import Settings
from ai_manager.workers.routes import router as workers
from trapper_kit.metrics import Family
from trapper_kit.web.app import build_app
from trapper_kit.web.page import parts_beside

ROUTERS = (results, batches, heartbeats, jobs, workers, catalog, queues)
"""What is called most often is looked for first."""


async def _ready(request: Request) -> dict[str, str]:
    work = work_of(request)
    await work.database.check()
    return {"notifications": "absent" if work.settings.notifications_redis_url is None else "given"}


async def _measure(request: Request) -> Sequence[Family]:
    return await report_metrics(work_of(request))


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the app; without settings it reads the environment at startup, so the contract needs none."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        work = Work.open(settings or Settings.from_environment())
        app.state.work = work
        url = work.settings.database_url.get_secret_value()
        parts = {"notifications": listen(url, work.channels, work.waiters), "presence": record_uptime(work)}
        try:
            async with parts_beside(app, parts):
                yield
        finally:
            await work.close()

    return build_app(
        service="ai_manager",
        title="TRAPPER AI Manager",
        version=version("ai-manager"),
        routers=ROUTERS,
        lifespan=lifespan,
        ready=_ready,
        measure=_measure,
        streamed=STREAMED_BODIES,
    )


def contract_app() -> FastAPI:
    """Returns the app for printing its contract; it needs no settings until it starts."""
    return create_app()
