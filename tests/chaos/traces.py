"""What the faults left behind, on the wire, in logs and in rows: a fault that leaves no trace has tested nothing."""

import json
from collections import Counter

from tests.chaos.machines import Fleet
from tests.chaos.mislead import NO_ROOM
from tests.chaos.truth import InstructedWorkers

SILENCE = "leases that ended in silence"
DEATHS = "batches given back because the inference process died"
KILLED = "batches that killed their worker, halved"
GIVEN_BACK = "leases that nobody knew of, given back"
CONFLICTS = "answers 409 to whoever came too late"
DUPLICATES = "results that came again and changed nothing"
LATE = "results of a lease that was over"
NO_SPOOL = "results that found no room in the spool"
NO_DISK = "media and rows that found no room on the disk"
UNAVAILABLE = "answers 503 while something was away"
UNANSWERED = "times a worker missed its Manager"
SWEEPERS = "times a process began to sweep"
WRONG_TIMES = "lines written under a wrong time of day"
LIES = "lies refused"
TOO_LARGE = "pictures that a worker refused by themselves"

OF_EVERY_LONG_STORM = (SILENCE, DEATHS, KILLED, CONFLICTS, DUPLICATES, NO_SPOOL, UNANSWERED, WRONG_TIMES, LIES)
"""What cannot fail to happen when every kind of fault hit somebody."""
OF_EVERY_STORM = (KILLED, DEATHS)
"""Deadly pictures alone see to that."""
_BY_EVENT = {
    "sweeps.started": SWEEPERS,
    "manager.unreachable": UNANSWERED,
    "results.lost": LATE,
}


def traces(fleet: Fleet, told: InstructedWorkers) -> Counter[str]:
    """How often each."""
    found: Counter[str] = Counter()
    for link in fleet.links.values():
        found[CONFLICTS] += link.answers["409"] * link.name.endswith("to manager")
        found[UNAVAILABLE] += link.answers["503"]
        found[DUPLICATES] += link.answers["duplicate"]
    for (_, _, status), count in fleet.replays.answers.items():
        found[CONFLICTS] += count * (status == "409")
    found[DUPLICATES] += fleet.replays.duplicates
    _of_logs(fleet, found)
    found[SILENCE], found[DEATHS] = told.losses.get("expired", 0), told.losses.get("died", 0)
    found[KILLED] = len(told.of_state("split"))
    found[TOO_LARGE] = sum(row["code"] == "too-many-pixels" for row in told.outcomes)
    found[LIES] = refused_lies(fleet).total()
    return found


def refused_lies(fleet: Fleet) -> Counter[str]:
    """How often each lie of the hostile worker was refused."""
    return Counter(one["lie"] for one in lies(fleet) if 400 <= one["status"] < 500)


def lies(fleet: Fleet) -> list[dict[str, object]]:
    """What it told, and how it was answered."""
    log = fleet.folder / "rogue.log"
    said = log.read_text("utf-8").splitlines() if log.exists() else []
    return [json.loads(line) for line in said if line.startswith('{"lie"')]


def _of_logs(fleet: Fleet, found: Counter[str]) -> None:
    for machine in fleet.machines.values():
        for wrong_by, event in machine.history():
            found[WRONG_TIMES] += wrong_by != 0
            found[GIVEN_BACK] += event.get("reason") == "its worker does not know of it"
            if event["event"] in _BY_EVENT:
                found[_BY_EVENT[event["event"]]] += 1
        for what in NO_ROOM.findall(machine.log.read_bytes() if machine.log.exists() else b""):
            found[NO_SPOOL if what == b"results" else NO_DISK] += 1
