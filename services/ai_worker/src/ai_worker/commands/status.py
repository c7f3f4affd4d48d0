"""Reports what this machine still has to compute and to deliver, as a document or as sentences."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from ai_worker.batches import queries
from ai_worker.batches.models import Run
from ai_worker.commands.local_page import ask_page
from ai_worker.commands.words import bytes_in_words, hours_in_words
from ai_worker.enrolment.credential import read_credential
from ai_worker.leases.runs import RunState
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.results import queries as results
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from trapper_kit.db import Database
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import BatchLease


class Unfinished(BaseModel):
    """Batches that are still to be computed."""

    batches: int = 0
    images: int = 0
    images_done: int = 0
    images_missing: int = 0
    """Media that are not on this machine yet."""
    weights_missing: list[str] = []
    """Name and version of models whose weights are not on this machine yet."""
    offline_batches: int = 0
    """Batches under leases for work without a link."""
    offline_seconds_left: float | None = None
    """Until the first of those leases ends; negative afterwards."""


class Results(BaseModel):
    """Results of computed batches."""

    waiting: int
    waiting_bytes: int
    delivered: int
    """Of the last 200 batches that ended."""
    refused: int


class WorkerStatus(BaseModel):
    """What `trapper-worker status --json` prints."""

    name: str
    manager_url: str
    running: bool
    """Whether a worker answers on the port of the status page."""
    manager_reached: bool | None
    closed_because: str | None
    unfinished: Unfinished
    results: Results


async def worker_status(settings: WorkerSettings, port: int) -> WorkerStatus:
    """Returns the status of this state folder, also while no worker runs."""
    credential = read_credential(settings)
    page = await _page(settings, port)
    await asyncio.to_thread(migrate, settings.database_file)
    database = Database.open_file(settings.database_file)
    try:
        async with database.begin() as db:
            runs, counts = await queries.unfinished(db), await queries.counts(db)
            waiting, size = await results.waiting_bytes(db)
            refused = len(await results.refused(db))
    finally:
        await database.close()
    return WorkerStatus(
        name=credential.name,
        manager_url=settings.manager_url or credential.manager_url,
        running=page is not None,
        manager_reached=None if page is None else page["manager_reached"],
        closed_because=None if page is None else page["closed_because"],
        unfinished=await asyncio.to_thread(_unfinished, settings, runs, page),
        results=Results(
            waiting=waiting,
            waiting_bytes=size,
            delivered=counts.get(RunState.DELIVERED.value, 0),
            refused=refused,
        ),
    )


async def _page(settings: WorkerSettings, port: int) -> dict[str, Any] | None:
    try:
        info, work = await asyncio.gather(
            ask_page(settings, port, "GET", "/info"), ask_page(settings, port, "GET", "/work")
        )
    except Problem:
        return None
    return {**work, **info}


def _unfinished(settings: WorkerSettings, runs: Sequence[Run], page: dict[str, Any] | None) -> Unfinished:
    leases = [(run, BatchLease.model_validate(run.lease)) for run in runs]
    on_page = page["runs"] if page else []
    prepared = {run["batch_id"] for run in on_page if run["here"]}
    on_disk = set(WeightsStore(settings.store_dir).on_disk())
    models = {stage.stage.model.key: stage.stage.model for _, lease in leases for stage in lease.stages}
    ends = [run.offline_until - time.time() for run in runs if run.offline_until is not None]
    incomplete = [(run, lease) for run, lease in leases if str(run.batch_id) not in prepared]
    return Unfinished(
        batches=len(runs),
        images=sum(run.total for run in runs),
        images_done=sum(run["done"] for run in on_page if run["state"] == "running"),
        images_missing=sum(_missing(settings, run, lease) for run, lease in incomplete),
        weights_missing=[
            f"{model.name} {model.version}" for key, model in models.items() if model.sha256 and key not in on_disk
        ],
        offline_batches=len(ends),
        offline_seconds_left=min(ends, default=None),
    )


def _missing(settings: WorkerSettings, run: Run, lease: BatchLease) -> int:
    folder = settings.cache_dir / str(run.id)
    files = {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}
    return sum(files.get(str(resource.id)) != resource.size_bytes for resource in lease.resources)


def sentences(status: WorkerStatus) -> Iterator[str]:
    """Yields the status as plain sentences."""
    yield f"This is {status.name}, enrolled at {status.manager_url}."
    yield _link(status)
    yield from _to_compute(status.unfinished)
    yield _delivery(status.results)
    if status.results.refused:
        yield f"The Manager refused {status.results.refused} results: `trapper-worker doctor` says more."


def _link(status: WorkerStatus) -> str:
    if not status.running:
        return "No worker runs here (or not on this port): nothing is computed and nothing delivered at the moment."
    if not status.manager_reached:
        return "The worker runs. The Manager cannot be reached: results wait here until it can."
    because = status.closed_because
    return f"The worker runs and reaches the Manager{f', but takes no new work: {because}' if because else ''}."


def _to_compute(todo: Unfinished) -> Iterator[str]:
    if not todo.batches:
        yield "Nothing is left to compute."
        return
    yield (
        f"{todo.batches} batches with {todo.images} images are still to be computed; {todo.images_done} images of them "
        "are done."
    )
    if todo.images_missing or todo.weights_missing:
        weights = f" and the weights of {', '.join(todo.weights_missing)}" if todo.weights_missing else ""
        yield f"Not everything is here yet: {todo.images_missing} images{weights} are still to come."
    else:
        yield "Everything that they need is on this machine: no link is needed to compute them."
    if todo.offline_seconds_left is None:
        return
    if todo.offline_seconds_left > 0:
        left = hours_in_words(todo.offline_seconds_left)
        yield f"{todo.offline_batches} of them may be computed without a link for {left} more."
    else:
        yield "The time for which they were taken is over; the Manager decides when the link is back."


def _delivery(kept: Results) -> str:
    if kept.waiting:
        size = bytes_in_words(kept.waiting_bytes)
        return f"{kept.waiting} computed batches ({size}) wait here to be delivered; {kept.delivered} are delivered."
    return f"Everything that is computed is delivered: {kept.delivered} batches (of the last 200 that ended)."
