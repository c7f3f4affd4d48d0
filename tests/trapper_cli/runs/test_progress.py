"""Progress moves with the work, and names the units of it."""

import io
import re
import sys

import pytest

from trapper_cli.runs import progress
from trapper_cli.runs.progress import counting


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_count_each_unit_of_the_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_SECONDS", 0.0)
    with counting("Reading metadata", 3, unit="files") as counter:
        for _ in range(3):
            counter.step()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in lines] == [f"Reading metadata: {done} of 3" for done in (1, 2, 3)]
    assert all(re.search(r"\(\d+\.\d files/s", line) for line in lines)


def test_a_bar_moves_to_the_end_and_a_total_can_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with counting("Uploading", 2) as counter:
        counter.step()
        counter.at(5, total=5)
    assert "5/5" in terminal.getvalue()
    assert "photos/s" in terminal.getvalue()


def test_a_stage_without_work_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("Uploading", 0):
        pass
    assert capsys.readouterr().err == ""
