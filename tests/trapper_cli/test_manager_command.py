"""Commands of the Manager's operator as the standalone stack runs them: what they refuse is told, not swallowed."""

import os
from pathlib import Path

import pytest

from trapper_cli.manager_command import ServiceHere, manager_here
from trapper_client.errors import Failure, Unreachable


def test_a_command_that_could_not_do_its_work_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AI_MANAGER_")},
        "AI_MANAGER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "AI_MANAGER_SECRET_KEY": "a key for tests only, long enough",
        "AI_MANAGER_BLOBS_DIR": str(tmp_path / "blobs"),
    }
    with pytest.raises(Failure) as refused:
        ServiceHere("ai_manager", "http://nowhere", environment).run("revoke", "--token-name", "x")
    assert "database" in str(refused.value)


def test_without_a_stack_that_runs_there_is_no_manager_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(tmp_path))
    with pytest.raises(Unreachable, match="not running"):
        manager_here()
