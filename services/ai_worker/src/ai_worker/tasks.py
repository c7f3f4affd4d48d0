"""Starts the worker process, runs its loops under supervision, and stops them in order."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import reduce
from typing import Any, cast

from ai_worker.base import loop as book
from ai_worker.batches import queries
from ai_worker.batches import tasks as batch_loops
from ai_worker.batches.recover import recover_runs
from ai_worker.batches.release import park_run, release_or_park
from ai_worker.batches.settle import settle_runs
from ai_worker.batches.worker import Devices, Worker
from ai_worker.deps import Rhythm
from ai_worker.devices.start_devices import children_of, choose_devices, start_devices
from ai_worker.enrolment.credential import local_token, read_credential
from ai_worker.heartbeats import tasks as heartbeat_loops
from ai_worker.heartbeats.beat import beat
from ai_worker.leases.events import Action, GraceEnded, ParkRun, ReleaseRun, StopRequested
from ai_worker.leases.state import Limits, WorkerState
from ai_worker.loops import Loop, run_loop
from ai_worker.manager_client import PROTOCOL_HEADERS, Manager
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.results import queries as results
from ai_worker.results import tasks as result_loops
from ai_worker.settings import WorkerSettings
from ai_worker.tables import migrate
from trapper_kit.addresses import networks
from trapper_kit.db import Database
from trapper_kit.http_client import HttpClient
from trapper_kit.logs import log
from trapper_kit.notifications import NotificationListener
from trapper_kit.parts import PartEnded
from trapper_kit.problems import Problem
from trapper_kit.turns import TurnFailed
from trapper_schemas.notifications import RUN_BATCH_PREDICTION, RunBatchPrediction, runtime_queue

LOOPS = (batch_loops, heartbeat_loops, result_loops)
"""Their steps are in the loop book because they are imported here."""
_LAST_HEARTBEAT_SECONDS = 2.0
"""The last heartbeat has at least so long, whatever the grace."""


class AlreadyWorking(Problem):
    type = "already-working"
    title = "Another worker process holds this state folder"
    status = 409


@contextmanager
def _alone(settings: WorkerSettings) -> Generator[None, None, None]:
    """Lock the state folder; the lock ends with the process, however that ends."""
    descriptor = os.open(settings.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyWorking(f"another process works in {settings.state_dir}") from None
    finally:
        os.close(descriptor)


def is_held(settings: WorkerSettings) -> bool:
    """Whether a worker process runs in this state folder."""
    try:
        with _alone(settings):
            return False
    except AlreadyWorking:
        return True


@asynccontextmanager
async def opened(settings: WorkerSettings) -> AsyncGenerator[Worker, None]:
    """The worker of an enrolled state folder, locked and migrated; inference processes start with the loops."""
    credential = read_credential(settings)
    settings.make_folders()
    with _alone(settings):
        chosen = await choose_devices(settings, credential.runtimes)
        await asyncio.to_thread(migrate, settings.database_file)
        work = Worker(
            settings=settings,
            database=Database.open_file(settings.database_file),
            manager=Manager.at(
                settings.manager_url or credential.manager_url,
                token=credential.credential.get_secret_value(),
                allowed=settings.allowed_addresses,
            ),
            worker_id=credential.worker_id,
            rhythm=Rhythm(settings.intervals, credential.intervals),
            state=WorkerState(
                Limits(
                    offline_seconds=settings.offline_hours * 3600,
                    offline_batches=settings.offline_batches,
                    pause=settings.intervals.refused,
                )
            ),
            local_token=local_token(settings),
            devices=Devices(chosen, children_of(settings, chosen), tuple(credential.runtimes)),
            media=HttpClient("", allowed=networks(settings.allowed_addresses), headers=PROTOCOL_HEADERS),
            store=WeightsStore(settings.store_dir),
        )
        try:
            yield work
        finally:
            await work.close()


async def work_until(work: Worker, stopping: asyncio.Event) -> bool:
    """Run every loop until `stopping`, then finish or release, and deliver; returns False when results stay behind.

    Raises PartEnded when a loop or another part of the process ends by itself.
    """
    async with _computing(work, stopping):
        if not work.devices.ready:
            async with work.db() as db:
                return not (await results.waiting_bytes(db))[0]
        await recover_runs(work)
        loops = work.loops = {name: asyncio.create_task(_repeat(work, loop)) for name, loop in book.loops.items()}
        try:
            async with _listening(work):
                log("worker.started", worker=str(work.worker_id), runtime=work.runtime)
                await _until_leaving(work, stopping)
                return await _leave(work, loops)
        except PartEnded:
            work.devices.children.kill()  # else its end would wait for the batches
            raise
        finally:
            for task in loops.values():
                task.cancel()
            await asyncio.gather(*loops.values(), return_exceptions=True)
            log("worker.stopped")


@asynccontextmanager
async def _computing(work: Worker, stopping: asyncio.Event) -> AsyncGenerator[None, None]:
    """While the block runs there are inference processes whose devices have computed.

    A device may take minutes to start. When `stopping` comes first, the block runs without any, and nothing is ready.
    """
    devices = work.devices
    starting = asyncio.create_task(start_devices(work.settings, devices.enrolled_for, devices.chosen, devices.children))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            devices.chosen, devices.children, devices.tests = starting.result()
            devices.ready = True
        yield
    finally:
        starting.cancel()
        stopped.cancel()
        await asyncio.gather(starting, stopped, return_exceptions=True)
        await devices.children.close()


async def _repeat(work: Worker, loop: Loop) -> None:
    def seconds(path: str) -> float:
        value: Any = reduce(getattr, path.split("."), cast("Any", work))
        return float(value)

    async def step(given: Worker) -> bool:
        work.turned[loop.name] = work.monotonic()
        return await loop.step(given)

    await run_loop(replace(loop, step=step), work, wakeups=work.wakeups, seconds=seconds, service="ai_worker")


@asynccontextmanager
async def _listening(work: Worker) -> AsyncGenerator[None, None]:
    """While the block runs, a queue notification for this runtime wakes the claim loop."""
    url = work.settings.notifications_url
    if url is None:
        yield
        return
    running = asyncio.get_running_loop()

    def receive(**arguments: object) -> None:
        notification = RunBatchPrediction.model_validate(arguments)
        if notification.runtime == work.runtime:
            running.call_soon_threadsafe(work.wakeups.wake, "batches.claim")

    listener = NotificationListener(url, runtime_queue(work.runtime), RUN_BATCH_PREDICTION, receive)
    await asyncio.to_thread(listener.start)
    try:
        yield
    finally:
        await asyncio.to_thread(listener.stop)


async def _until_leaving(work: Worker, stopping: asyncio.Event) -> None:
    """Wait for a signal, or for the end of all work after the Manager's order to drain; PartEnded when a part ends."""
    stopped = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            parts = {**work.loops, **work.parts}
            _check_parts(parts)
            if work.state.may_leave:
                log("worker.drained")
                return
            work.state_changed.clear()
            changed = asyncio.create_task(work.state_changed.wait())
            await asyncio.wait({stopped, changed, *parts.values()}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
    finally:
        stopped.cancel()


def _check_parts(parts: Mapping[str, asyncio.Task[None]]) -> None:
    for name, task in parts.items():
        if task.done():
            error = TurnFailed("cancelled") if task.cancelled() else task.exception()
            log("part.ended", level=logging.ERROR, part=name, error=error or PartEnded(f"{name} returned"))
            raise PartEnded(f"the part {name} of the process has ended by itself; the log says why")


async def _leave(work: Worker, loops: dict[str, asyncio.Task[None]]) -> bool:
    """Claim nothing more, let computed runs finish within the grace, release the others, deliver."""
    log("worker.stopping")
    ends = work.monotonic() + work.settings.intervals.grace
    await _end_loop(loops["batches.claim"])
    await _leave_behind(work, work.handle(StopRequested()))
    await _last_heartbeat(work, ends)
    await _while(lambda: work.state.busy, work, ends)
    await _end_loop(loops["batches.run"])
    await _leave_behind(work, work.handle(GraceEnded()))
    work.wakeups.wake("results.deliver")
    await _while(lambda: bool(work.state.undelivered), work, ends)
    await settle_runs(work)
    return not work.state.undelivered


async def _end_loop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _leave_behind(work: Worker, actions: Iterable[Action]) -> None:
    """Release runs at the Manager, or park them for the next start."""
    for action in actions:
        if not isinstance(action, ReleaseRun | ParkRun):
            continue
        async with work.db() as db:
            run = await queries.get(db, action.run_id)
        if run is not None:
            await (park_run if isinstance(action, ParkRun) else release_or_park)(work, run)


async def _last_heartbeat(work: Worker, ends: float) -> None:
    """Send a complete heartbeat: the Manager takes back what it leased to the last claim, whose reply was lost."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(_LAST_HEARTBEAT_SECONDS, ends - work.monotonic())):
            await beat(work)


async def _while(condition: Callable[[], bool], work: Worker, ends: float) -> None:
    """Wait until the state of the worker says otherwise, or until `ends`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, ends - work.monotonic())):
            while condition():
                work.state_changed.clear()
                await work.state_changed.wait()
