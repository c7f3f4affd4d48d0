"""Opens the worker's world, runs its loops and the notification listener, and stops them in order."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial, reduce
from typing import Any, cast
from uuid import UUID

from ai_worker.base import loop as book
from ai_worker.batches import queries
from ai_worker.batches import tasks as batch_loops
from ai_worker.batches.hand import Hand
from ai_worker.batches.recover import recover_runs
from ai_worker.batches.release import hand_back, keep_for_later
from ai_worker.batches.settle import settle_runs
from ai_worker.batches.state import RunState
from ai_worker.deps import Rhythm
from ai_worker.devices.start_devices import children_of, choose_devices, start_devices
from ai_worker.enrolment.credential import local_token, read_credential
from ai_worker.heartbeats import tasks as heartbeat_loops
from ai_worker.heartbeats.beat import beat
from ai_worker.manager_client import PROTOCOL_HEADERS, Manager
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.results import queries as results
from ai_worker.results import tasks as result_loops
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from trapper_kit.db import Database
from trapper_kit.http_client import HttpClient, networks
from trapper_kit.logs import log
from trapper_kit.loops import Loop, run_loop
from trapper_kit.notifications import NotificationListener
from trapper_kit.problems import Problem
from trapper_schemas.notifications import RUN_BATCH_PREDICTION, RunBatchPrediction, runtime_queue

LOOPS = (batch_loops, heartbeat_loops, result_loops)
"""Whose steps are in the book, because they are imported here."""
_LOOK_SECONDS = 0.02
_DRAIN_SECONDS = 0.5
"""Between two looks whether everything is done."""
_LAST_WORD_SECONDS = 2.0
"""At least so long is tried to tell the Manager what we hold when we leave, whatever the grace."""


class AlreadyWorking(Problem):
    type = "already-working"
    title = "Another worker process holds this state folder"
    status = 409


@contextmanager
def _alone(settings: WorkerSettings) -> Generator[None, None, None]:
    """One process per state folder; the lock ends with the process, however that ends."""
    descriptor = os.open(settings.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyWorking(f"another process works in {settings.state_dir}") from None
    finally:
        os.close(descriptor)


def is_held(settings: WorkerSettings) -> bool:
    """Whether a process works in this folder."""
    try:
        with _alone(settings):
            return False
    except AlreadyWorking:
        return True


@asynccontextmanager
async def opened(settings: WorkerSettings) -> AsyncGenerator[Hand, None]:
    """The worker's world: enrolled, alone, with its database in shape; the inference process comes with the loops."""
    credential = read_credential(settings)
    settings.make_folders()
    with _alone(settings):
        chosen = await choose_devices(settings, credential.runtimes)
        await asyncio.to_thread(migrate, settings.database_file)
        allowed = networks(settings.allowed_addresses)
        work = Hand(
            settings=settings,
            database=Database.open_file(settings.database_file),
            manager=Manager.at(
                settings.manager_url or credential.manager_url,
                token=credential.credential.get_secret_value(),
                allowed=settings.allowed_addresses,
            ),
            worker_id=credential.worker_id,
            rhythm=Rhythm(settings.intervals, credential.intervals),
            local_token=local_token(settings),
            enrolled_for=tuple(credential.runtimes),
            chosen=chosen,
            devices=children_of(settings, chosen),
            media=HttpClient("", allowed=allowed, headers=PROTOCOL_HEADERS),
            store=WeightsStore(settings.store_dir),
        )
        try:
            yield work
        finally:
            await work.close()


async def work_until(work: Hand, stopping: asyncio.Event) -> bool:
    """Run every loop until `stopping`; then finish or give back, and deliver. False when results stay behind."""
    async with _computing(work, stopping):
        if not work.child_ready:
            return not await _undelivered(work)
        await recover_runs(work)
        loops = work.loops = {name: asyncio.create_task(_repeat(work, one)) for name, one in book.loops.items()}
        try:
            async with _listening(work):
                log("worker.started", worker=str(work.worker_id), runtime=work.runtime)
                await _until_leaving(work, stopping)
                return await _leave(work, loops)
        finally:
            for task in loops.values():
                task.cancel()
            await asyncio.gather(*loops.values(), return_exceptions=True)
            log("worker.stopped")


@asynccontextmanager
async def _computing(work: Hand, stopping: asyncio.Event) -> AsyncGenerator[None, None]:
    """While the block runs there are inference processes whose devices have shown that they compute.

    A device may take minutes to start; who is stopped meanwhile does not wait for it, and nothing is ready.
    """
    starting = asyncio.create_task(start_devices(work.settings, work.enrolled_for, work.chosen, work.devices))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            work.chosen, work.devices, work.trials = starting.result()
            work.child_ready = True
        yield
    finally:
        starting.cancel()
        stopped.cancel()
        await asyncio.gather(starting, stopped, return_exceptions=True)
        await work.devices.close()


async def _repeat(work: Hand, one: Loop) -> None:
    def seconds(path: str) -> float:
        value: Any = reduce(getattr, path.split("."), cast("Any", work))
        return float(value)

    async def step(given: Hand) -> bool:
        work.turned[one.name] = work.monotonic()
        return await one.step(given)

    await run_loop(replace(one, step=step), work, wakeups=work.wakeups, seconds=seconds, service="ai_worker")


@asynccontextmanager
async def _listening(work: Hand) -> AsyncGenerator[None, None]:
    """A notification's whole effect: the next claim comes now."""
    url = work.settings.notifications_url
    if url is None:
        yield
        return
    running = asyncio.get_running_loop()

    def heard(**arguments: object) -> None:
        notification_queue = RunBatchPrediction.model_validate(arguments)
        if notification_queue.runtime == work.runtime:
            running.call_soon_threadsafe(work.wakeups.wake, "batches.claim")

    listener = NotificationListener(url, runtime_queue(work.runtime), RUN_BATCH_PREDICTION, heard)
    await asyncio.to_thread(listener.start)
    try:
        yield
    finally:
        await asyncio.to_thread(listener.stop)


async def _until_leaving(work: Hand, stopping: asyncio.Event) -> None:
    """A signal, or the end of all that was in hand when the Manager ordered us to leave."""
    while not stopping.is_set():
        if work.leaving and not await _unfinished(work, but=()) and not await _undelivered(work):
            log("worker.drained")
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await stopping.wait()


async def _leave(work: Hand, loops: dict[str, asyncio.Task[None]]) -> bool:
    """Claim nothing more; what is computed may finish in its grace, the rest is given back; deliver; go."""
    work.switches.stopping = True
    log("worker.stopping")
    ends = work.monotonic() + work.settings.intervals.grace
    loops["batches.claim"].cancel()
    await asyncio.gather(loops["batches.claim"], return_exceptions=True)
    async with work.db() as db:
        waiting = [run for run in await queries.unfinished(db) if run.state is RunState.LEASED]
    stays = {run.id for run in waiting if run.offline_until is not None or not await hand_back(work, run)}
    await _name_all(work, ends)
    await _while(partial(_unfinished, but=stays), work, ends)
    loops["batches.run"].cancel()
    await asyncio.gather(loops["batches.run"], return_exceptions=True)
    async with work.db() as db:
        rest = [run for run in await queries.unfinished(db) if run.id not in stays]
    for run in rest:
        await (keep_for_later if run.offline_until is not None else hand_back)(work, run)
    work.wakeups.wake("results.deliver")
    await _while(_undelivered, work, ends)
    await settle_runs(work)
    return not await _undelivered(work)


async def _name_all(work: Hand, ends: float) -> None:
    """No claim is under way any more: what the Manager leased to us in the last moment, it takes back now."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(_LAST_WORD_SECONDS, ends - work.monotonic())):
            await beat(work)


async def _while(something: Callable[[Hand], Awaitable[bool]], work: Hand, ends: float) -> None:
    while await something(work):
        if work.monotonic() >= ends:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _unfinished(work: Hand, *, but: Collection[UUID]) -> bool:
    async with work.db() as db:
        return any(run.id not in but for run in await queries.unfinished(db))


async def _undelivered(work: Hand) -> bool:
    async with work.db() as db:
        return (await results.waiting_bytes(db))[0] > 0
