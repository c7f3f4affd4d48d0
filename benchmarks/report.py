"""What every benchmark shares: how it is asked, which machine it ran on, and its rows as a table and as JSON.

A benchmark is shaped `main(parse_options(__doc__))`: it measures rows and ends with `report(NAME, rows, options)`.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SPIN_SECONDS = 0.25
QUIET = 0.95
"""From this share of the cores on, the machine counts as ours alone."""


class Size(Enum):
    """How long a benchmark may take: its full figures, a look while tuning, or only a proof that it runs."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"

    def of(self, full: Any, quick: Any, tiny: Any) -> Any:
        """The one of three values that fits."""
        return {Size.FULL: full, Size.QUICK: quick, Size.TINY: tiny}[self]


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    size: Size
    out: Path


def parse_options(about: str | None, arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; without arguments the full figures are measured."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const=Size.QUICK, help="shorter, less exact")
    size.add_argument("--tiny", dest="size", action="store_const", const=Size.TINY, help="only to see that it runs")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the JSON file")
    options = parser.parse_args(arguments)
    return Options(options.size or Size.FULL, options.out)


@dataclass(frozen=True)
class Row:
    """One promise and what became of it; `at_most` says that a smaller ratio is the better one."""

    name: str
    unit: str
    ours: float
    baseline: float
    baseline_is: str
    bar: float
    at_most: bool = False
    also: dict[str, Any] = field(default_factory=dict)
    """What belongs to the row and has no column of its own."""

    @property
    def ratio(self) -> float:
        """Ours in parts of the baseline."""
        return self.ours / self.baseline

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar

    def document(self, place: str) -> dict[str, Any]:
        """As it is written."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": _rounded(self.ours),
            "baseline": _rounded(self.baseline),
            "baseline_is": self.baseline_is,
            "ratio": _rounded(self.ratio),
            "bar": self.bar,
            "at_most": self.at_most,
            "holds": self.holds,
            "machine": place,
            **self.also,
        }


def report(name: str, rows: Iterable[Row], options: Options) -> int:
    """Print the table and write `NAME.json`; 1 when a bar does not hold, which a tiny run is not asked about."""
    rows = list(rows)
    place = machine()
    options.out.mkdir(parents=True, exist_ok=True)
    documents = [row.document(place) | {"size": options.size.value} for row in rows]
    (options.out / f"{name}.json").write_text(json.dumps(documents, indent=1) + "\n", "utf-8")
    print(f"\n{place}; {options.size.value} run")
    width = max(len(row.name) for row in rows)
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        print(
            f"{row.name:{width}}  {_rounded(row.ours):>10g} {row.unit}, {_rounded(row.ratio):g} of "
            f"{_rounded(row.baseline):g} ({row.baseline_is}); bar {sign} {row.bar:g}: "
            f"{'holds' if row.holds else 'MISSED'}"
        )
    return 0 if options.size is Size.TINY or all(row.holds for row in rows) else 1


def machine() -> str:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text("utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), model)
    return f"{CORES} cores of {model}, {platform.system()}, Python {platform.python_version()}"


@contextmanager
def spinners() -> Generator[ProcessPoolExecutor, None, None]:
    """Processes with which `free_share` feels how busy the machine is; started before anything is measured."""
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        free_share(pool)
        yield pool


def free_share(pool: ProcessPoolExecutor) -> float:
    """The share of all cores that is free for us at this moment."""
    return sum(pool.map(spin, [SPIN_SECONDS] * CORES)) / CORES


def spin(seconds: float) -> float:
    """The share of one core that a process which wants all of it gets."""
    start, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        pass
    return (time.process_time() - used) / (time.perf_counter() - start)


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which this part of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
