import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
import typer

from trapper_client.app import app, run, system_sentence
from trapper_client.commands.complete import (
    complete_job,
    complete_model,
    complete_project,
    complete_token,
    complete_worker,
)
from trapper_client.commands.rows import parse_fields
from trapper_client.errors import WrongUsage

COMMANDS = [
    [],
    ["classifications"],
    *(
        ["classifications", verb]
        for verb in ("list", "show", "fork", "edit", "approve", "unapprove", "feedback", "history")
    ),
    *(["jobs", verb] for verb in ("list", "watch", "cancel", "retry")),
    *(["models", verb] for verb in ("list", "add")),
    *(
        [noun, verb]
        for noun in ("locations", "deployments", "collections")
        for verb in ("list", "show", "create", "change")
    ),
    *([noun, verb] for noun in ("deployments", "collections") for verb in ("archive", "unarchive")),
    *(["resources", verb] for verb in ("list", "show", "change", "move", "archive", "unarchive")),
    *(["projects", verb] for verb in ("list", "show", "create", "change")),
    *(["research-projects", verb] for verb in ("list", "show", "create", "change", "activate")),
    *(["links", verb] for verb in ("list", "create", "change", "of", "consent", "end")),
    *(["members", verb] for verb in ("list", "set", "remove", "invitations", "accept", "decline")),
    ["uploads", "send"],
    ["run"],
    *(["tokens", verb] for verb in ("create", "list", "revoke")),
    ["queues"],
    *(["workers", verb] for verb in ("list", "show", "pause", "resume", "drain", "revoke", "token")),
]


@pytest.fixture(autouse=True)
def _no_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TRAPPER_URL", "TRAPPER_TOKEN", "TRAPPER_MANAGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    assert "Usage: trapper" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nope"], ["classifications", "nope"], ["run", ".", "--nope"]])
def test_what_is_unknown_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["tokens", "create", "--name", "x"],
        ["models", "list"],
        ["classifications", "list"],
        ["projects", "list"],
        ["jobs", "list"],
        ["workers", "list"],
        ["workers", "pause", "--all"],
        ["queues"],
        ["locations", "create", "N1"],
        ["members", "list", "--project", "x"],
    ],
)
def test_without_a_stack_a_sentence_says_how_to_start_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--json"]) == 1
    spoken = capsys.readouterr()
    assert spoken.err == "The stack is not running. Start it: trapper up\n"
    assert json.loads(spoken.out) == {"ok": False, "error": "The stack is not running. Start it: trapper up"}


def test_nothing_that_listens_is_told_with_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAPPER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TRAPPER_TOKEN", "t")
    assert run(["projects", "list"]) == 1
    assert "nothing answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_half_an_address_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRAPPER_URL", "http://127.0.0.1:9")
    assert run(["projects", "list"]) == 2
    assert "TRAPPER_TOKEN is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (ValueError("boom"), 1, "Unexpected: ValueError: boom"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(28, "No space left on device", "/full/x"), 1, "'/full/x': No space left on device."),
    ],
)
def test_whatever_is_raised_becomes_a_sentence(
    raised: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> None:
        raise raised

    app.command("breaks-for-a-test", hidden=True)(breaks)
    try:
        assert run(["breaks-for-a-test"]) == code
    finally:
        app.registered_commands = [each for each in app.registered_commands if each.name != "breaks-for-a-test"]
    spoken = capsys.readouterr().err
    assert told in spoken
    assert "Traceback" not in spoken


def test_a_name_of_bytes_is_told_in_letters() -> None:
    assert system_sentence(FileNotFoundError(2, "No such file", b"x\xff")) == "'x\\udcff': No such file."


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"trapper {version('trapper-client')}\n"


@pytest.mark.parametrize("words", [["deployments", "change", "N1"], ["links", "change", "x"]])
def test_a_change_without_a_field_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "--set NAME=VALUE" in capsys.readouterr().err


def test_a_field_is_json_or_else_text() -> None:
    given = ["latitude=52.5", "name=N 1", "habitat=null", 'tags=["a"]', "comments=a=b"]
    expected = {"latitude": 52.5, "name": "N 1", "habitat": None, "tags": ["a"], "comments": "a=b"}
    assert parse_fields(given) == expected
    with pytest.raises(WrongUsage, match="NAME=VALUE"):
        parse_fields(["latitude"])


@pytest.mark.parametrize("complete", [complete_model, complete_project, complete_job, complete_worker, complete_token])
def test_without_a_stack_there_is_nothing_to_complete(complete: Callable[[str], list[str]]) -> None:
    assert complete("") == []


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "trapper_client", "nope"], capture_output=True, check=False)
    assert done.returncode == 2
    assert isinstance(app, typer.Typer)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "is not JSON in UTF-8"), ("[1]", "is neither a list of observations nor a row with `dynamic_attrs`")],
)
def test_observations_that_cannot_be_read_are_wrong_usage_and_named(
    content: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "row.json"
    file.write_text(content, "utf-8")
    assert run(["classifications", "edit", "x", str(file)]) == 2
    assert f"{file} {told}" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", StringIO(content))
    assert run(["classifications", "edit", "x", "-"]) == 2
    assert f"Standard input {told}" in capsys.readouterr().err
    assert run(["classifications", "edit", "x", str(tmp_path / "absent")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
