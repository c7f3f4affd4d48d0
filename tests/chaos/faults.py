"""What can happen to a fleet: each kind does it for real, and says whom it hit, or that it hit nobody."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

import redis

from tests.chaos.machines import LEASE_SECONDS, MANAGERS, Fleet
from tests.flow.stack import ROOT
from tests.support.chaos_proxy import Link, Trouble
from tests.support.workers import eventually
from trapper_cli.postgres import EmbeddedPostgres
from trapper_cli.valkey import EmbeddedValkey

Do = Callable[[Fleet, Random], Awaitable[str | None]]
SKEW_SECONDS = 600.0
_TROUBLE_SECONDS = (1.5, 4.0)
_BITE_SECONDS = 40.0
"""How long a trouble waits for something that it can hit."""
_BACK_SECONDS = 60.0


@dataclass(frozen=True)
class Kind:
    """A kind of fault; of each family a short storm brings one, a long storm brings every kind."""

    name: str
    family: str
    do: Do


def kinds() -> list[Kind]:
    """All of them."""
    return [*_of_processes(), *_of_servers(), *_of_links(), *_of_machines()]


def _of_processes() -> Iterable[Kind]:
    managers = [f"manager-{one}" for one in MANAGERS]
    groups: dict[str, Callable[[Fleet], Sequence[str]]] = {
        "expert web": lambda _: ["expert"],
        "expert tasks": lambda _: ["expert-tasks"],
        "manager web": lambda _: managers,
        "manager tasks": lambda _: [f"{name}-tasks" for name in managers],
        "worker": lambda fleet: fleet.worker_names,
    }
    for group, names in groups.items():
        family = "kill worker" if group == "worker" else "kill service"
        yield Kind(f"kill -9 {group}", family, partial(_kill, names))
        yield Kind(f"freeze {group} longer than a lease", "freeze", partial(_freeze, names))
    yield Kind("kill -9 inference child", "kill worker", _kill_child)
    yield Kind("freeze inference child longer than a lease", "freeze", _freeze_child)


def _of_servers() -> Iterable[Kind]:
    yield Kind("flush valkey", "valkey", _flush)
    yield Kind("kill -9 and restart valkey", "valkey", _restart_valkey)
    yield Kind("immediate stop and restart of postgres", "postgres", _restart_postgres)


def _of_links() -> Iterable[Kind]:
    ways: dict[str, Callable[[Fleet], Sequence[str]]] = {
        "worker to manager": lambda fleet: [f"{name} to manager" for name in fleet.worker_names],
        "expert to manager": lambda _: ["expert to manager"],
        "worker to media": lambda _: ["worker to media"],
        "manager to postgres": lambda _: [f"manager-{one} to postgres" for one in MANAGERS],
    }
    for way, names in ways.items():
        for trouble in Trouble:
            yield Kind(f"{trouble.value}, {way}", trouble.value, partial(_trouble, names, trouble))
        if way != "manager to postgres":
            yield Kind(f"every request twice more and later, {way}", "replay", partial(_replay, names))


def _of_machines() -> Iterable[Kind]:
    yield Kind("full disk under a worker", "disk", _fill_disk)
    yield Kind("clock wrong by ten minutes, worker", "clock", partial(_skew, "worker"))
    yield Kind("clock wrong by ten minutes, manager", "clock", partial(_skew, "manager"))
    yield Kind("a hostile worker, until every lie of it was refused", "lies", _let_lie)


async def _kill(names: Callable[[Fleet], Sequence[str]], fleet: Fleet, rng: Random) -> str | None:
    name = rng.choice(names(fleet))
    machine = fleet.machines[name]
    if not machine.signal(signal.SIGKILL):
        return None
    starts = machine.starts
    await eventually(lambda: machine.starts > starts, within=_BACK_SECONDS)
    return name


async def _freeze(names: Callable[[Fleet], Sequence[str]], fleet: Fleet, rng: Random) -> str | None:
    machine = fleet.machines[rng.choice(names(fleet))]
    process = machine.running
    if not machine.signal(signal.SIGSTOP):
        return None
    seconds = LEASE_SECONDS * rng.uniform(1.3, 2.5)
    await asyncio.sleep(seconds)
    if process is not None and process.poll() is None:  # the same one, not what was started in its place
        process.send_signal(signal.SIGCONT)
    return f"{machine.name} for {seconds:.1f} s"


async def _child(fleet: Fleet, rng: Random) -> tuple[str, int] | None:
    for name in rng.sample(fleet.worker_names, fleet.workers):
        if (child := fleet.machines[name].child()) is not None:
            return name, child
    return None


async def _kill_child(fleet: Fleet, rng: Random) -> str | None:
    found = await _child(fleet, rng)
    if found is None or not _tell(found[1], signal.SIGKILL):
        return None
    return f"child of {found[0]}"


async def _freeze_child(fleet: Fleet, rng: Random) -> str | None:
    found = await _child(fleet, rng)
    if found is None or not _tell(found[1], signal.SIGSTOP):
        return None
    await asyncio.sleep(LEASE_SECONDS * rng.uniform(1.3, 2.5))
    _tell(found[1], signal.SIGCONT)
    return f"child of {found[0]}"


def _tell(pid: int, number: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


async def _flush(fleet: Fleet, _rng: Random) -> str | None:
    def flush() -> bool:
        with suppress(redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return bool(redis.Redis.from_url(fleet.valkey.url, socket_timeout=5.0).flushall())
        return False

    return "everything" if await asyncio.to_thread(flush) else None


async def _restart_valkey(fleet: Fleet, rng: Random) -> str | None:
    return await _restart(fleet.valkey, signal.SIGKILL, rng)


async def _restart_postgres(fleet: Fleet, rng: Random) -> str | None:
    return await _restart(fleet.postgres, signal.SIGQUIT, rng)


async def _restart(server: EmbeddedPostgres | EmbeddedValkey, number: int, rng: Random) -> str | None:
    process = server.process
    if process is None or process.poll() is not None:
        return None
    process.send_signal(number)
    away = rng.uniform(0.3, 2.0)
    async with asyncio.timeout(_BACK_SECONDS):
        await eventually(lambda: process.poll() is not None)
        await asyncio.sleep(away)
        process = server.launch()  # from this thread: a server ends with the thread that started it
        while not server.is_ready():
            if process.poll() is not None:  # its port may be in use for a moment more
                process = server.launch()
            await asyncio.sleep(0.05)
    return f"away for {away:.1f} s"


async def _trouble(names: Callable[[Fleet], Sequence[str]], trouble: Trouble, fleet: Fleet, rng: Random) -> str | None:
    link = fleet.links[rng.choice(names(fleet))]
    async with link.troubled:
        link.trouble = trouble
        try:
            bites = await _bitten(link, rng.uniform(*_TROUBLE_SECONDS))
        finally:
            link.trouble = None
    return f"{link.name}, {bites} times" if bites else None


async def _replay(names: Callable[[Fleet], Sequence[str]], fleet: Fleet, rng: Random) -> str | None:
    link = fleet.links[rng.choice(names(fleet))]
    if link.replaying:
        return None
    before = fleet.replays.answered(link.name)
    link.replaying = True
    try:
        bites = await _bitten(link, rng.uniform(*_TROUBLE_SECONDS))
    finally:
        link.replaying = False
    with suppress(TimeoutError):
        await eventually(lambda: fleet.replays.answered(link.name) > before, within=_BITE_SECONDS if bites else 0)
        return f"{link.name}, {bites} requests"
    return None


async def _bitten(link: Link, seconds: float) -> int:
    """Its time, and then until it has hit something; how often it has."""
    before = link.bites
    await asyncio.sleep(seconds)
    with suppress(TimeoutError):
        await eventually(lambda: link.bites > before, within=_BITE_SECONDS)
    return link.bites - before


async def _fill_disk(fleet: Fleet, rng: Random) -> str | None:
    """Under the first worker, until its log says that it has noticed."""
    machine = fleet.machines[fleet.worker_names[0]]
    disk = fleet.disk
    heard = machine.log.stat().st_size
    if disk.mounted:
        await asyncio.to_thread(disk.fill)
    else:
        machine.env["AI_WORKER_MIN_FREE_BYTES"] = str(2**62)
        machine.signal(signal.SIGKILL)
    try:
        await asyncio.sleep(rng.uniform(*_TROUBLE_SECONDS))
        noticed = False
        with suppress(TimeoutError):
            noticed = await eventually(lambda: _noticed(machine.log.read_bytes()[heard:]), within=_BACK_SECONDS)
    finally:
        if disk.mounted:
            disk.free()
        else:
            machine.env["AI_WORKER_MIN_FREE_BYTES"] = "0"
            machine.signal(signal.SIGKILL)
    return f"{machine.name}, {disk.kind}" if noticed else None


def _noticed(said: bytes) -> bool:
    return any(words in said for words in (b"no space left", b"No space left", b"is full", b"disk full"))


async def _skew(whose: str, fleet: Fleet, rng: Random) -> str | None:
    """A machine starts again with another clock, and keeps it: Manager and its tasks are one machine."""
    wrong = rng.choice([-SKEW_SECONDS, SKEW_SECONDS])
    if whose == "worker":
        names = [rng.choice(fleet.worker_names)]
    else:
        manager = f"manager-{rng.choice(MANAGERS)}"
        names = [manager, f"{manager}-tasks"]
    for name in names:
        fleet.machines[name].wrong_by = wrong
        fleet.machines[name].signal(signal.SIGKILL)
    return f"{' and '.join(names)} by {wrong:+.0f} s"


async def _let_lie(fleet: Fleet, _rng: Random) -> str | None:
    """One more worker among the others, on a link of its own that is always good."""
    other = json.loads((fleet.state_dir(fleet.workers - 1) / "credential.json").read_text("utf-8"))["worker_id"]
    arguments = (fleet.links["rogue to manager"].url, fleet.enrolment, str(fleet.folder / "manager-blobs"), other)
    with (fleet.folder / "rogue.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.rogue", *arguments, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            return "every lie" if await process.wait() == 0 else None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
