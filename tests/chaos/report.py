"""What a run prints: the summary when it is over, and everything that helps to understand it when it failed."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.faults import Kind
from tests.chaos.machines import Fleet
from tests.chaos.people import People
from tests.chaos.storm import Log
from tests.chaos.traces import refused_lies, traces
from tests.chaos.truth import InstructedWorkers

_TAIL = 6000
_FAULT_LINES = 400


def summary(
    fleet: Fleet, people: People, log: Log, told: InstructedWorkers, *, kinds: Sequence[Kind], seed: int
) -> str:
    """The table: faults by kind, and what was counted."""
    closed = told.of_state("done", "exhausted", "split")
    failed = Counter(row["code"] for row in told.outcomes if row["outcome"] == "failed")
    lines = {
        "Files": f"{len(people.pictures)}: "
        + ", ".join(f"{count} {fate}" for fate, count in Counter(one.fate for one in people.pictures).most_common()),
        "Jobs": f"{len(told.jobs)}, of them asked for by a person: {people.asked}",
        "Resources in jobs": f"{len(told.outcomes)}, each with one outcome",
        "Failed": ", ".join(f"{count} {code}" for code, count in sorted(failed.items())) or "0",
        "Batches": f"{len(closed)}, of them split: {len(told.of_state('split'))}",
        "Attempts": str(sum(batch["attempt"] for batch in told.batches)),
        "Lies refused": ", ".join(f"{lie} {count}" for lie, count in sorted(refused_lies(fleet).items()))
        or "none told",
        "Starts of processes": str(sum(machine.starts for machine in fleet.machines.values())),
        "Full disk by": fleet.disk.kind,
        "Expert's clock": f"{fleet.machines['expert'].wrong_by:+.0f} s all the time",
        "Seconds": f"{time.monotonic() - log.began:.0f}",
        "Seed": f"{seed} (CHAOS_SEED={seed} shakes the same pack; what meets what depends on the machine)",
    }
    faults = [f"  {log.injected[kind.name]:4d}  {kind.name}" for kind in kinds]
    left = [f"  {count:4d}  {what}" for what, count in sorted(traces(fleet, told).items()) if count]
    width = max(map(len, lines)) + 2
    return "\n".join(
        [
            f"Faults injected: {log.injected.total()}",
            *faults,
            "What they caused:",
            *left,
            f"Requests that were said again, and answered: {fleet.replays.answers.total()}",
            *_replayed(fleet),
            *(f"{name:<{width}}{text}" for name, text in lines.items()),
        ]
    )


def _replayed(fleet: Fleet) -> list[str]:
    by_call: dict[str, Counter[str]] = {}
    for (_, call, status), count in fleet.replays.answers.items():
        by_call.setdefault(call, Counter())[status] += count
    return [
        f"  {statuses.total():4d}  {call}: {', '.join(f'{count} x {one}' for one, count in sorted(statuses.items()))}"
        for call, statuses in sorted(by_call.items())
    ]


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
