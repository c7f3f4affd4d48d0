"""A worker that begins on a full disk says so in one sentence, however far it came."""

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from ai_worker import commands


def test_rows_that_cannot_be_written_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def recover(_options: object) -> int:
        raise OperationalError("update runs", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(commands, "_run", recover)
    assert commands.main(["run"]) == 1
    told = capsys.readouterr().err
    assert told == (
        "trapper-worker: the worker's own rows cannot be read or written: disk I/O error; is its disk full?\n"
    )
