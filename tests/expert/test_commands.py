"""Commands for operators: one JSON document, one sentence on a refusal, and never a traceback."""

import http.server
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from expert.commands import main
from tests.support.make.expert import SECRET


@dataclass
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Ended]:
    """Runs a command in this process, with only these settings; a start of its own takes seconds on two cores."""

    def command(*arguments: str, url: str = "", standard_input: str = "", **settings: str) -> Ended:
        for name in [name for name in os.environ if name.startswith("EXPERT_")]:
            monkeypatch.delenv(name)
        if url:
            settings |= {
                "EXPERT_DATABASE_URL": url,
                "EXPERT_SECRET_KEY": SECRET,
                "EXPERT_MEDIA_DIR": str(tmp_path),
                "EXPERT_ALLOWED_ADDRESSES": '["127.0.0.0/8"]',
            }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(standard_input))
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(str(ended.code or 0))
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return command


Run = Callable[..., Ended]


class EmptyLists(http.server.BaseHTTPRequestHandler):
    """A Manager whose lists are empty."""

    def do_GET(self) -> None:
        body = b'{"items": [], "next_cursor": null}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def empty_manager() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyLists) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_the_openapi_document_needs_no_settings_and_is_the_committed_one():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXPERT_")}
    command = [sys.executable, "-m", "expert.commands", "openapi"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert made.returncode == 0, made.stderr
    committed = Path("services/expert/openapi.json").read_text("utf-8")
    assert made.stdout == committed, "run `make openapi`"


def test_wrong_usage_ends_with_two_and_help_with_zero(run: Run):
    assert run("fly").returncode == 2
    assert run("--help").returncode == 0
    assert "EXPERT_DATABASE_URL" in run("settings").stdout


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "EXPERT_DATABASE_URL"),
        ({"EXPERT_DATABASE_URL": "x", "EXPERT_SECRET_KEY": "short", "EXPERT_MEDIA_DIR": "/tmp"}, "EXPERT_SECRET_KEY"),  # noqa: S108
        ({"EXPERT_COLOUR": "red"}, "unknown setting EXPERT_COLOUR"),
    ],
)
def test_a_setting_that_is_wrong_is_named_without_a_traceback(run: Run, changes: dict[str, str], sentence: str):
    refused = run("doctor", **changes)
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_away_is_one_sentence(run: Run):
    refused = run("doctor", url="postgresql://x:y@127.0.0.1:9/z")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "database does not answer" in refused.stderr


def test_an_admin_is_made_once_gets_a_token_and_the_doctor_finds_all_well(run: Run, expert_database_url: str):
    here = {"url": expert_database_url}
    admin = ("create_admin", "--email", "root@example.org", "--password-stdin", "--json")
    first = run(*admin, standard_input="a good password\n", **here)
    assert json.loads(first.stdout)["created"] is True, first.stderr
    assert json.loads(run(*admin, standard_input="another password\n", **here).stdout)["created"] is False
    assert run(*admin, standard_input="short\n", **here).returncode == 1
    issued = run("issue_token", "--email", "root@example.org", "--name", "cli", "--json", **here)
    assert json.loads(issued.stdout)["token"].startswith("trapper_")
    assert run("issue_token", "--email", "nobody@example.org", "--name", "cli", **here).returncode == 1
    connected = run(
        "connect_manager", "--name", "m", "--url", "http://127.0.0.1:9", "--token-stdin", "--json",
        standard_input="token\n", **here,
    )  # fmt: skip
    assert json.loads(connected.stdout)["name"] == "m"
    synced = run("sync_ai_models", "--json", **here)
    assert synced.returncode == 1
    assert "did not answer" in json.loads(synced.stdout)["connections"][0]["problem"]
    with empty_manager() as address:
        run("connect_manager", "--name", "here", "--url", address, "--token-stdin", standard_input="token\n", **here)
        assert run("sync_ai_models", **here).returncode == 1
        own = run("sync_ai_models", "--connection", "here", "--json", **here)
        assert own.returncode == 0, own.stdout + own.stderr
        assert {item["connection"]: bool(item["problem"]) for item in json.loads(own.stdout)["connections"]} == {
            "m": True,
            "here": False,
        }
    absent = run("sync_ai_models", "--connection", "nobody", **here)
    assert (absent.returncode, absent.stderr) == (1, "no Manager is connected as nobody\n")
    examined = run("doctor", "--json", **here)
    assert examined.returncode == 0, examined.stderr
    assert json.loads(examined.stdout)["ok"] is True
