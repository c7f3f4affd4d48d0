"""`trapper run` on photos that it has never seen, against a plain loop over the same files with the same detector.

Whole commands are timed, on a warm stack of its own. The loop reads, decodes, detects and writes JSON; ours does that
and the upload, the database, species and thumbnails. For each set of photos the report has the core-milliseconds per
photo of every process and of every stage alone, the share of the cores that was busy, and the seconds until the first
photo was recorded. The full run also compares a large folder with a small one.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.report import CORES, ROOT, Options, Row, Size, parse_options, report
from benchmarks.run_stages import COMMAND, core_seconds, measure_stages, processes, schedule_bound
from benchmarks.worker_setups import render
from tests.main_job.trapper import DEMO, Trapper

NAME = "run"
BOUND = "the schedule bound"
LOOP = "a plain loop with the same detector"
AGAIN_PER_SECOND = 5000
FIRST_WITHIN_SECONDS = 3.0
MEMORY_SECONDS = 1.0


@dataclass(frozen=True)
class Photos:
    """A set of photos of one size, and what parts of the loop's rate and of the schedule bound are promised."""

    name: str
    width: int
    height: int
    counts: dict[Size, int]
    bar: float
    of_bound: float


SETS = (
    Photos("0.1 MB", 640, 480, {Size.FULL: 2000, Size.QUICK: 300, Size.TINY: 12}, 1.0, 0.6),
    Photos("3 MP", 2048, 1536, {Size.FULL: 600, Size.QUICK: 80, Size.TINY: 4}, 1.2, 0.7),
    Photos("12 MP", 4000, 3000, {Size.FULL: 200, Size.QUICK: 30, Size.TINY: 2}, 1.3, 0.75),
)
LARGE = {Size.FULL: 20_000}
"""A folder whose rate and memory are those of a small one."""


def pictures_of(place: Path, photos: Photos) -> list[bytes]:
    """The pictures of a set, which its files are copies of."""
    folder = place / f"pictures-{photos.width}"
    folder.mkdir(exist_ok=True)
    return [path.read_bytes() for path in render(folder, photos.width, photos.height)]


def copies(folder: Path, pictures: Sequence[bytes], count: int) -> Path:
    """So many files, each a picture with a comment of its own, so that no two have the same bytes."""
    camera = folder / "CAM01"
    camera.mkdir(parents=True)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        comment = f"{folder} {number}".encode()
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        (camera / f"IMG_{number:06}.jpg").write_bytes(picture[:2] + marker + picture[2:])
    return folder


class Memory:
    """The peak memory in MB of each process of the stack between `start` and `stop`; PostgreSQL shares its own."""

    def __init__(self, trapper: Trapper) -> None:
        self.peaks: dict[str, float] = {}
        self._processes = {name: pid for name, pid in processes(trapper).items() if name != "postgres"}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        self._stopped.set()
        self._thread.join()
        return self.peaks

    def _watch(self) -> None:
        while not self._stopped.wait(MEMORY_SECONDS):
            for name, pid in self._processes.items():
                used = psutil.Process(pid).memory_info().rss / 1e6
                self.peaks[name] = max(self.peaks.get(name, 0.0), used)


@dataclass(frozen=True)
class Timing:
    """What a whole command took; `began` is by the clock of the machine."""

    seconds: float
    core_seconds: float
    began: float


def timed(command: Sequence[str | Path], trapper: Trapper) -> Timing:
    """Runs a command to its end; raises RuntimeError when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, start = time.time(), time.monotonic()
    ended = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=trapper.environment(), capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - start
    if ended.returncode:
        raise RuntimeError(f"{command} left with {ended.returncode}: {ended.stdout}{ended.stderr}\n{trapper.logs()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Timing(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, began)


def first_applied(trapper: Trapper, since: float) -> float:
    """Seconds from a moment to the first batch of results that was written after it."""
    moments = trapper.expert_rows("select extract(epoch from applied_at) from received_batches where state = 'applied'")
    return min(float(moment) for (moment,) in moments if float(moment) > since) - since


def measure(trapper: Trapper, pictures: Sequence[bytes], place: Path, photos: Photos, count: int) -> list[Row]:
    """The rates of ours and of the loop, of a second run over the same folder, and of the schedule bound."""
    folder = copies(place / f"set-{photos.width}", pictures, count)
    loop = timed((sys.executable, "-m", "benchmarks.plain_loop", folder, folder.with_suffix(".loop.json")), trapper)
    before = core_seconds(trapper)
    ours = timed(run_command(folder), trapper)
    after = core_seconds(trapper)
    again = timed(run_command(folder), trapper)
    stages = measure_stages(trapper, copies(place / f"stages-{photos.width}", pictures, count), count)
    used = {name: after[name] - before.get(name, 0.0) for name in after} | {COMMAND: ours.core_seconds}
    per_photo = {name: round(1000 * value / count, 2) for name, value in used.items() if value > 0}
    busy = sum(used.values()) / (CORES * ours.seconds)
    total, plain = 1000 * sum(used.values()) / count, 1000 * loop.core_seconds / count
    print(f"\n{count} photos of {photos.name}: {total:.1f} core-milliseconds per photo, the loop {plain:.1f}")
    print(f"  by process: {per_photo}; {busy:.0%} of the cores were busy")
    for stage, costs in stages.items():
        print(f"  {stage} alone: {sum(costs.values()):.2f} {costs}")
    title = f"{count} photos of {photos.name}"
    rate = count / ours.seconds
    also = {"core_ms_per_photo": per_photo, "core_ms_by_stage": stages, "busy": round(busy, 3), "photos": count}
    first = first_applied(trapper, ours.began)
    return [
        Row(title, "photos/s", rate, count / loop.seconds, LOOP, photos.bar, also=also),
        Row(f"{title}: of the bound", "photos/s", rate, schedule_bound(stages), BOUND, photos.of_bound),
        Row(f"{title}: first recorded", "s", first, FIRST_WITHIN_SECONDS, "asked", 1.0, at_most=True),
        Row(f"{title}: again", "photos/s", count / again.seconds, AGAIN_PER_SECOND, "asked", 1.0),
    ]


def measure_large(trapper: Trapper, pictures: Sequence[bytes], place: Path, options: Options) -> list[Row]:
    """The rate and the memory of a large folder in parts of those of a small one."""
    name = SETS[0].name
    small, large = SETS[0].counts[options.size], LARGE[options.size]
    rates: list[float] = []
    peaks: list[dict[str, float]] = []
    for count in (small, large):
        folder = copies(place / f"large-{count}", pictures, count)
        memory = Memory(trapper)
        rates.append(count / timed(run_command(folder), trapper).seconds)
        peaks.append(memory.stop())
    title = f"{large} photos of {name}"
    baseline = f"{small} photos"
    return [
        Row(title, "photos/s", rates[1], rates[0], baseline, 0.9),
        *(
            Row(f"{title}: {process}", "MB", peaks[1][process], peaks[0][process], baseline, 1.1, at_most=True)
            for process in sorted(peaks[0])
        ),
    ]


def run_command(folder: Path) -> Sequence[str | Path]:
    """The command that is measured."""
    out = folder.with_suffix(".out.json")
    return (Path(sys.executable).with_name("trapper"), "run", folder, *DEMO, "--json", "--out", out, "--overwrite")


def main(options: Options) -> int:
    """Measure every set on one stack."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="trapper-bench-run-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        trapper = Trapper(place)
        os.environ["TRAPPER_STATE_DIR"] = str(trapper.state_dir)  # what the stages find the Manager by
        try:
            warm = trapper.run(ROOT / "models" / "sample", *DEMO, "--out", place / "warm.json")
            assert json.loads(warm.out)["ok"]
            for photos in SETS:
                rows += measure(trapper, pictures_of(place, photos), place, photos, photos.counts[options.size])
            if options.size in LARGE:
                rows += measure_large(trapper, pictures_of(place, SETS[0]), place, options)
        finally:
            trapper("down")
    return report(NAME, rows, options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
