"""Ends, stops or replaces processes of the fleet; a worker only while it has a lease that can be lost."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random
from uuid import UUID

import asyncpg

from tests.chaos.machine import Machine
from tests.chaos.machines import BACK_SECONDS, BITE_SECONDS, LEASE_SECONDS, Fleet
from tests.chaos.truth import rows, runs_of
from tests.support.workers import eventually

Names = Callable[[Fleet], Sequence[str]]
_HELD_OR_DELIVERED = frozenset({"leased", "done"})


async def kill(names: Names, fleet: Fleet, rng: Random) -> str | None:
    name = rng.choice(names(fleet))
    machine = fleet.machines[name]
    if not machine.signal(signal.SIGKILL):
        return None
    starts = machine.starts
    await eventually(lambda: machine.starts > starts, within=BACK_SECONDS)
    return name


async def freeze(names: Names, fleet: Fleet, rng: Random) -> str | None:
    machine = fleet.machines[rng.choice(names(fleet))]
    seconds = LEASE_SECONDS * rng.uniform(1.3, 2.5)
    if not await _frozen(machine, seconds):
        return None
    return f"{machine.name} for {seconds:.1f} s"


async def _frozen(machine: Machine, seconds: float, until: Callable[[], Awaitable[bool]] | None = None) -> bool:
    """Stopped for so long, and then until something is so, but not for ever."""
    process = machine.running
    if process is None or not machine.signal(signal.SIGSTOP):
        return False
    try:
        await asyncio.sleep(seconds)
        if until is not None:
            with suppress(TimeoutError):
                await eventually(until, within=BITE_SECONDS)
    finally:
        if process.poll() is None:  # the same one, not what was started in its place
            process.send_signal(signal.SIGCONT)
    return True


async def _at_work(fleet: Fleet, rng: Random) -> tuple[Machine, set[tuple[UUID, int]]] | None:
    """A worker with leased batches, and these with their attempts."""
    names = rng.sample(fleet.worker_names, fleet.workers)

    def look() -> tuple[Machine, set[tuple[UUID, int]]] | None:
        for name in names:
            runs = runs_of(fleet, fleet.worker_names.index(name))
            held = {(batch, attempt) for batch, attempt, state in runs if state in {"leased", "running"}}
            if held and fleet.machines[name].alive:
                return fleet.machines[name], held
        return None

    with suppress(TimeoutError):
        return await eventually(look, within=BITE_SECONDS)
    return None


async def kill_worker(fleet: Fleet, rng: Random) -> str | None:
    found = await _at_work(fleet, rng)
    if found is None:
        return None
    machine, held = found
    starts = machine.starts
    if not machine.signal(signal.SIGKILL):
        return None
    await eventually(lambda: machine.starts > starts, within=BACK_SECONDS)
    return f"{machine.name} with {len(held)} leased batches"


async def freeze_worker(fleet: Fleet, rng: Random) -> str | None:
    found = await _at_work(fleet, rng)
    if found is None:
        return None
    machine, held = found

    async def taken_back() -> bool:
        return bool(await _taken_back(fleet, held))

    if not await _frozen(machine, LEASE_SECONDS * rng.uniform(1.3, 2.5), taken_back):
        return None
    taken = await _taken_back(fleet, held)
    return f"{machine.name}, {taken} of {len(held)} leases were taken back" if taken else None


async def _taken_back(fleet: Fleet, held: set[tuple[UUID, int]]) -> int:
    """How many of these leases ended by the Manager's own doing."""
    statement = """
        select id, attempt, state from batches union all
        select id, attempt, state from finished_batches"""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        (found,) = await rows(fleet.manager_database, statement)
        now = {row["id"]: row for row in found}
        return sum(
            batch in now and (now[batch]["attempt"] > attempt or now[batch]["state"] not in _HELD_OR_DELIVERED)
            for batch, attempt in held
        )
    return 0


async def kill_child(fleet: Fleet, rng: Random) -> str | None:
    found = await _at_work(fleet, rng)
    child = found[0].child() if found is not None else None
    if found is None or child is None or not _tell(child, signal.SIGKILL):
        return None
    return f"child of {found[0].name}"


async def freeze_child(fleet: Fleet, rng: Random) -> str | None:
    found = await _at_work(fleet, rng)
    child = found[0].child() if found is not None else None
    if found is None or child is None or not _tell(child, signal.SIGSTOP):
        return None
    await asyncio.sleep(LEASE_SECONDS * rng.uniform(1.3, 2.5))
    _tell(child, signal.SIGCONT)
    return f"child of {found[0].name}"


def _tell(pid: int, number: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False
