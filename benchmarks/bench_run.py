"""`trapper run` on photos that it has never seen, against a plain loop over the same files with the same detector.

Whole commands are timed, on a warm stack of its own. The loop reads, decodes, detects and writes JSON; ours does that
and the upload, the database, species and thumbnails. For each set of photos the report has the core-milliseconds per
photo of every process, the share of the cores that was busy, and the seconds until the first photo was recorded.
"""

import json
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
from benchmarks.worker_setups import render
from tests.main_job.trapper import DEMO, Trapper

NAME = "run"
LOOP = "a plain loop with the same detector"
AGAIN_PER_SECOND = 5000
FIRST_WITHIN_SECONDS = 3.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Photos:
    """A set of photos of one size, and what part of the loop's rate is promised."""

    name: str
    width: int
    height: int
    counts: dict[Size, int]
    bar: float


SETS = (
    Photos("0.1 MB", 640, 480, {Size.FULL: 2000, Size.QUICK: 300, Size.TINY: 12}, 1.0),
    Photos("3 MP", 2048, 1536, {Size.FULL: 600, Size.QUICK: 80, Size.TINY: 4}, 1.2),
    Photos("12 MP", 4000, 3000, {Size.FULL: 200, Size.QUICK: 30, Size.TINY: 2}, 1.3),
)


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


def core_seconds(trapper: Trapper) -> dict[str, float]:
    """What each process of the stack, its children included, has used of the processor so far."""
    named = {each["name"]: each["pid"] for each in trapper.look()["processes"]}
    used: dict[str, float] = {}
    for name, pid in named.items():
        process = psutil.Process(pid)
        if name == "supervisor":  # the parent of all others
            used[name] = sum(process.cpu_times()[:2])
        else:
            used[name] = sum(sum(each.cpu_times()[:4]) for each in (process, *process.children(recursive=True)))
    return used


class FirstRecorded:
    """Notes when the first AI row of new photos is in the database."""

    def __init__(self, trapper: Trapper) -> None:
        self._trapper = trapper
        self._before = self._count()
        self._stopped = threading.Event()
        self._begun = time.monotonic()
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._stopped.set()
        self._thread.join()
        return self.seconds

    def _count(self) -> int:
        return int(self._trapper.expert_rows("select count(*) from classifications where type = 'ai'")[0][0])

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            if self._count() > self._before:
                self.seconds = time.monotonic() - self._begun
                return


def timed(command: Sequence[str | Path], trapper: Trapper) -> tuple[float, float]:
    """The seconds that a command takes, and its core-seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    ended = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=trapper.environment(), capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begun
    if ended.returncode:
        raise RuntimeError(f"{command} left with {ended.returncode}: {ended.stdout}{ended.stderr}\n{trapper.logs()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(trapper: Trapper, folder: Path, photos: Photos, count: int) -> list[Row]:
    """The rates of ours and of the loop, and of a second run over the same folder."""
    loop = (sys.executable, "-m", "benchmarks.plain_loop", folder, folder.with_suffix(".loop.json"))
    ours = (Path(sys.executable).with_name("trapper"), "run", folder, *DEMO, "--json", "--out", folder / "out.json")
    loop_seconds, loop_cores = timed(loop, trapper)
    before = core_seconds(trapper)
    first = FirstRecorded(trapper)
    seconds, command_cores = timed(ours, trapper)
    first_seconds = first.stop()
    after = core_seconds(trapper)
    used = {name: after[name] - before.get(name, 0.0) for name in after} | {"trapper run": command_cores}
    per_photo = {name: round(1000 * value / count, 2) for name, value in used.items() if value > 0}
    busy = sum(used.values()) / (CORES * seconds)
    total, plain = 1000 * sum(used.values()) / count, 1000 * loop_cores / count
    print(f"\n{count} photos of {photos.name}: {total:.1f} core-milliseconds per photo, the loop {plain:.1f}")
    print(f"  by process: {per_photo}; {busy:.0%} of the cores were busy")
    again_seconds, _ = timed((*ours, "--overwrite"), trapper)
    title = f"{count} photos of {photos.name}"
    also = {"core_ms_per_photo": per_photo, "busy": round(busy, 3), "photos": count}
    return [
        Row(title, "photos/s", count / seconds, count / loop_seconds, LOOP, photos.bar, also=also),
        Row(f"{title}: first recorded", "s", first_seconds, FIRST_WITHIN_SECONDS, "asked", 1.0, at_most=True),
        Row(f"{title}: again", "photos/s", count / again_seconds, AGAIN_PER_SECOND, "asked", 1.0),
    ]


def main(options: Options) -> int:
    """Measure every set on one stack."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="trapper-bench-run-", ignore_cleanup_errors=True) as place:
        trapper = Trapper(Path(place))
        try:
            warm = trapper.run(ROOT / "models" / "sample", *DEMO, "--out", Path(place) / "warm.json")
            assert json.loads(warm.out)["ok"]
            for photos in SETS:
                pictures_folder = Path(place) / "pictures"
                pictures_folder.mkdir(exist_ok=True)
                pictures = [path.read_bytes() for path in render(pictures_folder, photos.width, photos.height)]
                count = photos.counts[options.size]
                folder = copies(Path(place) / f"set-{photos.width}", pictures, count)
                rows += measure(trapper, folder, photos, count)
        finally:
            trapper("down")
    return report(NAME, rows, options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
