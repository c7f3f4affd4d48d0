"""Says in plain words what this machine holds: before a journey, in the field, and when it is back."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ai_worker.batches import queries
from ai_worker.batches.models import Run
from ai_worker.batches.state import RunState
from ai_worker.commands.local_page import ask_page
from ai_worker.commands.words import bytes_in_words, hours_in_words
from ai_worker.enrolment.credential import read_credential
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.results import queries as results
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from trapper_kit.db import Database
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import BatchLease


async def describe(settings: WorkerSettings, port: int) -> list[str]:
    """One sentence after the other; the rows are read also while no worker runs."""
    credential = read_credential(settings)
    page = await _page(settings, port)
    lines = [f"This is {credential.name}, enrolled at {settings.manager_url or credential.manager_url}."]
    lines.append(_link(page))
    await asyncio.to_thread(migrate, settings.database_file)
    database = Database.open_file(settings.database_file)
    try:
        async with database.begin() as db:
            held, counts = await queries.held(db), await queries.counts(db)
            waiting, size = await results.waiting_bytes(db)
            refused = len(await results.refused(db))
    finally:
        await database.close()
    todo = [run for run in held if run.state is not RunState.KEPT]
    lines += await asyncio.to_thread(_to_do, settings, todo, page)
    lines.append(_delivery(waiting, size, counts))
    if refused:
        lines.append(f"The Manager would not have {refused} results: `trapper-worker doctor` says more.")
    return lines


async def _page(settings: WorkerSettings, port: int) -> dict[str, Any] | None:
    try:
        info, work = await asyncio.gather(
            ask_page(settings, port, "GET", "/info"), ask_page(settings, port, "GET", "/work")
        )
    except Problem:
        return None
    return {**work, **info}


def _link(page: dict[str, Any] | None) -> str:
    if page is None:
        return "No worker runs here (or not on this port): nothing is computed and nothing delivered at the moment."
    if not page["manager_reached"]:
        return "The worker runs. The Manager cannot be reached: results wait here until it can."
    because = page["closed_because"]
    return f"The worker runs and reaches the Manager{f', but takes no new work: {because}' if because else ''}."


def _to_do(settings: WorkerSettings, runs: Sequence[Run], page: dict[str, Any] | None) -> Iterable[str]:
    if not runs:
        yield "Nothing is left to compute."
        return
    leases = [(run, BatchLease.model_validate(run.lease)) for run in runs]
    pictures = sum(run.total for run in runs)
    done = sum(run["done"] for run in page["runs"] if run["state"] == "running") if page else 0
    yield f"{len(runs)} batches with {pictures} pictures are still to be computed; {done} pictures of them are done."
    whole = {run["batch_id"] for run in page["runs"] if run["here"]} if page else set[str]()
    missing = sum(_missing(settings, run, lease) for run, lease in leases if str(run.batch_id) not in whole)
    on_disk = set(WeightsStore(settings.store_dir).on_disk())
    keys = {stage.stage.model.key: stage.stage.model for _, lease in leases for stage in lease.stages}
    lacking = [f"{model.name} {model.version}" for key, model in keys.items() if model.sha256 and key not in on_disk]
    if missing or lacking:
        weights = f" and the weights of {', '.join(lacking)}" if lacking else ""
        yield f"Not everything is here yet: {missing} pictures{weights} are still to come."
    else:
        yield "Everything that they need is on this machine: no link is needed to compute them."
    ends = [run.offline_until - time.time() for run in runs if run.offline_until is not None]
    if ends:
        left = min(ends)
        yield (
            f"{len(ends)} of them may be computed without a link for {hours_in_words(left)} more."
            if left > 0
            else "The time for which they were taken is over; the Manager decides when the link is back."
        )


def _missing(settings: WorkerSettings, run: Run, lease: BatchLease) -> int:
    folder = settings.cache_dir / str(run.id)
    files = {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}
    return sum(files.get(str(resource.id)) != resource.size_bytes for resource in lease.resources)


def _delivery(waiting: int, size: int, counts: dict[str, int]) -> str:
    delivered = counts.get(RunState.DELIVERED.value, 0)
    if waiting:
        return (
            f"{waiting} finished batches ({bytes_in_words(size)}) wait here to be delivered; {delivered} are delivered."
        )
    return f"Everything that is finished is delivered: {delivered} batches (of the last 200 that ended)."
