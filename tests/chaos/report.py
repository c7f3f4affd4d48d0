"""What a run prints: the summary when it is over, and everything that helps to understand it when it failed."""

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.faults import Kind
from tests.chaos.machines import Fleet
from tests.chaos.people import People
from tests.chaos.storm import Log
from tests.chaos.truth import Told

_TAIL = 6000
_FAULT_LINES = 400


def summary(fleet: Fleet, people: People, log: Log, told: Told, *, kinds: Sequence[Kind], seed: int) -> str:
    """The table: faults by kind, and what was counted."""
    closed = told.of_state("done", "exhausted", "split")
    again = Counter(re.sub(r"^worker-\d+", "worker", one) for one in fleet.replays.answers.elements())
    failed = Counter(row["code"] for row in told.outcomes if row["outcome"] == "failed")
    lines = {
        "Pictures": f"{len(people.pictures)}, of them deadly: {sum(one.poison for one in people.pictures)}",
        "Jobs": f"{len(told.jobs)}, of them asked for by a person: {people.asked}",
        "Resources in jobs": f"{len(told.outcomes)}, each with one outcome",
        "Failed": ", ".join(f"{count} {code}" for code, count in sorted(failed.items())) or "0",
        "Batches": f"{len(closed)}, of them split: {len(told.of_state('split'))}",
        "Attempts": str(sum(batch["attempt"] for batch in told.batches)),
        "Late results refused": str(told.late),
        "Replays answered": f"{again.total()}: "
        + ", ".join(f"{name} {count}" for name, count in sorted(again.items())),
        "Lies refused": ", ".join(f"{lie} {count}" for lie, count in sorted(refused_lies(fleet).items()))
        or "none told",
        "Starts of processes": str(sum(machine.starts for machine in fleet.machines.values())),
        "Full disk by": fleet.disk.kind,
        "Seconds": f"{time.monotonic() - log.began:.0f}",
        "Seed": f"{seed} (CHAOS_SEED={seed} shakes the same pack; what meets what depends on the machine)",
    }
    faults = [f"  {log.injected[kind.name]:4d}  {kind.name}" for kind in kinds]
    width = max(map(len, lines)) + 2
    return "\n".join(
        [
            f"Faults injected: {log.injected.total()}",
            *faults,
            *(f"{name:<{width}}{text}" for name, text in lines.items()),
        ]
    )


def refused_lies(fleet: Fleet) -> Counter[str]:
    """How often each lie of the hostile worker was refused."""
    return Counter(one["lie"] for one in lies(fleet) if 400 <= one["status"] < 500)


def lies(fleet: Fleet) -> list[dict[str, object]]:
    """What it told, and how it was answered."""
    log = fleet.folder / "rogue.log"
    said = log.read_text("utf-8").splitlines() if log.exists() else []
    return [json.loads(line) for line in said if line.startswith('{"lie"')]


def diagnosis(fleet: Fleet, log: Log, seed: int) -> str:
    """Seed, fault log, the state of every process, and the end of every log; whole logs where CHAOS_KEEP says."""
    states = [
        f"{name}: {'alive' if machine.alive else 'dead'}, {machine.starts} starts, clock {machine.wrong_by:+.0f} s"
        for name, machine in fleet.machines.items()
    ]
    logs = sorted([*fleet.folder.glob("*.log"), *fleet.folder.glob("*/*.log")])
    tails = [f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-_TAIL:]}" for path in logs]
    return "\n".join([f"seed {seed}", *log.lines[-_FAULT_LINES:], *states, *tails])


def keep(fleet: Fleet, log: Log) -> None:
    """Copy whole logs to the folder that CHAOS_KEEP names."""
    if folder := os.environ.get("CHAOS_KEEP"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in fleet.folder.glob("*.log"):
            shutil.copy(path, folder)
        (Path(folder) / "faults.txt").write_text("\n".join(log.lines) + "\n", "utf-8")
