"""A run against a service that accepts connections and never answers ends with the time limit in its message."""

import socket
from pathlib import Path

import pytest
from PIL import Image

from trapper_cli.runs import command, work
from trapper_client.app import run


def test_run_ends_when_a_service_accepts_and_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(command, "_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(work, "_PATIENCE_SECONDS", 0)
    monkeypatch.setenv("TRAPPER_TIMEOUT", "0.3")
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(tmp_path / "state"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("TRAPPER_URL", url)
        monkeypatch.setenv("TRAPPER_TOKEN", "token")
        assert run(["run", str(tmp_path)]) == 1
    assert f"The call to {url} failed: no reply within 0.3 s (TRAPPER_TIMEOUT)." in capsys.readouterr().err
