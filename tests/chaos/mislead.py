"""Deceives the fleet: no room on a disk, another time of day, a worker that lies."""

import asyncio
import json
import re
import signal
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from tests.chaos.disk import SmallDisk
from tests.chaos.machine import Machine
from tests.chaos.machines import BACK_SECONDS, MANAGERS, SKEW_SECONDS, Fleet
from tests.flow.stack import ROOT
from tests.support.workers import eventually

NO_ROOM = re.compile(rb"no space left to write (\w+)")
_FULL_SECONDS = (1.5, 4.0)


async def fill_disk(which: str, fleet: Fleet, rng: Random) -> str | None:
    """Under the first worker, until it was refused room: for anything, or, in the spool, for a result.

    One at a time: a worker whose whole disk is full has no results that its spool could refuse.
    """
    async with fleet.filling:
        return await _filled(which, fleet, rng)


async def _filled(which: str, fleet: Fleet, rng: Random) -> str | None:
    machine = fleet.machines[fleet.worker_names[0]]
    disk: SmallDisk = fleet.spool_disk if which == "spool" else fleet.disk
    heard = machine.heard()
    disk.fill()
    if not disk.mounted and which == "disk":
        machine.env["AI_WORKER_MIN_FREE_BYTES"] = str(2**62)
        machine.signal(signal.SIGKILL)
    try:
        await asyncio.sleep(rng.uniform(*_FULL_SECONDS))
        refused: Counter[str] = Counter()
        with suppress(TimeoutError):
            refused = await eventually(
                lambda: _refused_room(machine, heard, which, mounted=disk.mounted), within=BACK_SECONDS
            )
    finally:
        disk.free()
        if not disk.mounted and which == "disk":
            machine.env["AI_WORKER_MIN_FREE_BYTES"] = "0"
            machine.signal(signal.SIGKILL)
    told = ", ".join(f"{what} {count} times" for what, count in sorted(refused.items()))
    return f"{machine.name}, no room for {told}; {disk.kind}" if refused else None


def _refused_room(machine: Machine, since: int, which: str, *, mounted: bool) -> Counter[str]:
    said = machine.log.read_bytes()[since:]
    found = Counter(what.decode() for what in NO_ROOM.findall(said))
    found["rows"] += said.count(b"disk I/O error") + said.count(b"disk is full")  # of one that begins on a full disk
    if which == "disk" and not mounted:
        found["claims"] += said.count(b'"disk full"')
    return +found if which == "disk" or found["results"] else Counter()


async def skew_clock(whose: str, fleet: Fleet, rng: Random) -> str | None:
    """A machine starts again with another clock, and keeps it: Manager and its tasks are one machine."""
    wrong = rng.choice([-SKEW_SECONDS, SKEW_SECONDS])
    if whose == "worker":
        names = [rng.choice(fleet.worker_names)]
    else:
        manager = f"manager-{rng.choice(MANAGERS)}"
        names = [manager, f"{manager}-tasks"]
    heard = {name: fleet.machines[name].heard() for name in names}
    for name in names:
        fleet.machines[name].wrong_by = wrong
        fleet.machines[name].signal(signal.SIGKILL)

    def shown() -> bool:
        return all(_is_wrong(fleet.machines[name], since) for name, since in heard.items())

    with suppress(TimeoutError):
        await eventually(shown, within=BACK_SECONDS)
        return f"{' and '.join(names)} by {wrong:+.0f} s"
    return None


def _is_wrong(machine: Machine, since: int) -> bool:
    """Whether it wrote a line under its own time."""
    now = datetime.now(UTC)
    return any(
        abs((datetime.fromisoformat(event["at"]) - now).total_seconds() - machine.wrong_by) < SKEW_SECONDS / 2
        for event in machine.events(since)
    )


async def let_lie(fleet: Fleet, _rng: Random) -> str | None:
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
