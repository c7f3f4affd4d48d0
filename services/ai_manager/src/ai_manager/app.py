"""The web door: the only importer of routes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI, Request

from ai_manager.catalog.routes import router as catalog
from ai_manager.deps import Work, work_of
from ai_manager.settings import Settings
from ai_manager.workers.routes import router as workers
from trapper_kit.notify import listen
from trapper_kit.web.app import build_app

ROUTERS = (catalog, workers)


async def _ready(request: Request) -> dict[str, str]:
    work = work_of(request)
    await work.database.check()
    return {"bells": "absent" if work.settings.bells_redis_url is None else "given"}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app; without settings it reads the environment when it starts, so its contract can be printed anywhere."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        work = Work.open(settings or Settings.from_environment())
        app.state.work = work
        listener = asyncio.create_task(
            listen(work.settings.database_url.get_secret_value(), work.channels, work.waiters)
        )
        try:
            yield
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener
            await work.close()

    return build_app(
        service="ai_manager",
        title="TRAPPER AI Manager",
        version=version("ai-manager"),
        routers=ROUTERS,
        lifespan=lifespan,
        ready=_ready,
    )
