"""Every benchmark runs at its smallest and writes rows of the promised shape; how fast it is, is not asked here."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import ROOT, Options, Row, Size, report

PROMISED = {
    "name": str,
    "unit": str,
    "ours": float,
    "baseline": float,
    "baseline_is": str,
    "ratio": float,
    "bar": float,
    "holds": bool,
    "machine": str,
}


def check(rows: Any) -> None:
    """Each row has every promised member, and says of itself what its numbers say."""
    assert rows
    for row in rows:
        for name, kind in PROMISED.items():
            assert isinstance(row[name], (int, float) if kind is float else kind), (name, row[name])
        assert row["baseline"] > 0
        assert row["ratio"] == pytest.approx(row["ours"] / row["baseline"], rel=0.01)
        better = row["ratio"] <= row["bar"] if row["at_most"] else row["ratio"] >= row["bar"]
        assert row["holds"] is better


def test_a_report_says_what_holds_and_leaves_with_1_when_something_does_not(tmp_path: Path) -> None:
    good = Row("much", "1/s", 40, 100, "what others do", 0.3)
    small = Row("little", "MB", 109, 100, "before", 1.1, at_most=True)
    bad = Row("too much", "MB", 111, 100, "before", 1.1, at_most=True)
    assert report("some", [good, small], Options(Size.FULL, tmp_path)) == 0
    assert report("all", [good, small, bad], Options(Size.FULL, tmp_path)) == 1
    rows = json.loads((tmp_path / "all.json").read_text("utf-8"))
    check(rows)
    assert [row["holds"] for row in rows] == [True, True, False]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [
        "worker",
        "claims",
        "polling",
        "memory",
        "sequences",
        "statistics",
        "similar",
        "masking",
        "ingest",
        "saves",
        "run",
    ],
)
async def test_a_benchmark_runs_at_its_smallest_and_cleans_up(name: str, tmp_path: Path) -> None:
    program = (sys.executable, "-m", f"benchmarks.bench_{name}", "--tiny", "--out", str(tmp_path))
    process = await asyncio.create_subprocess_exec(
        *program, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    check(json.loads((tmp_path / f"{name}.json").read_text("utf-8")))
