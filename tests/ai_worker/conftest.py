"""A real Manager, a media server and a worker whose loops run in the test's own event loop."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ai_worker.tasks import opened, work_until
from tests.support.make.ai_worker import worker_settings
from tests.support.make.inference import stage_spec
from tests.support.managers import RunningManager, running_manager
from tests.support.networks import colour_detector
from tests.support.pictures import Pictures, serving_pictures
from tests.support.workers import Working, enrol
from trapper_kit.logs import JsonLines
from trapper_schemas.v1.batches import StageSpec


@pytest.fixture(autouse=True)
def _told() -> Iterator[None]:
    """What the services say stands beside a test that fails."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines("test"))
    logger, root = logging.getLogger("trapper"), logging.getLogger()
    level, handlers, root_level = logger.level, root.handlers[:], root.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield
    logger.removeHandler(handler)
    logger.setLevel(level)
    root.handlers[:] = handlers  # a command that was run in this process has put its own
    root.setLevel(root_level)


@pytest.fixture(scope="session")
def detector_file(tmp_path_factory) -> Path:
    return colour_detector(tmp_path_factory.mktemp("networks") / "detector.onnx")


@pytest.fixture(scope="session")
def detector_bytes(detector_file: Path) -> bytes:
    return detector_file.read_bytes()


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    async with serving_pictures() as one:
        yield one


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path) -> AsyncIterator[RunningManager]:
    async with running_manager(ai_manager_database_url, tmp_path, batch_size=4) as one:
        yield one


@pytest.fixture
async def stage(manager: RunningManager, detector_file: Path, detector_bytes: bytes) -> StageSpec:
    spec = stage_spec(detector_file)
    await manager.publish(spec, detector_bytes)
    return spec


Worker = Callable[..., AbstractAsyncContextManager[Working]]


@pytest.fixture
def worker(manager: RunningManager, tmp_path: Path) -> Worker:
    """`async with worker(slots=1) as working:`; the folder is the same each time, so that is a restart."""

    @asynccontextmanager
    async def started(*, intervals: Mapping[str, float] | None = None, **more: Any) -> AsyncGenerator[Working, None]:
        settings = worker_settings(tmp_path / "worker", intervals=intervals, **more)
        if not settings.credential_file.exists():
            await enrol(manager, settings)
        async with opened(settings) as work:
            stopping = asyncio.Event()
            working = Working(work, stopping, asyncio.create_task(work_until(work, stopping)))
            try:
                yield working
            finally:
                await working.stop()

    return started
