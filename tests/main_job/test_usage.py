"""How the commands answer: exit codes, help, one JSON document, and never a traceback."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer

from tests.main_job.conftest import FirstRun
from tests.main_job.trapper import DEMO, MARKS, Trapper
from trapper_client.app import app, load_commands, run

pytestmark = MARKS


def every_command() -> list[tuple[str, ...]]:
    """All words that lead to a command or a group."""
    load_commands()
    found: list[tuple[str, ...]] = []

    def walk(command: object, words: tuple[str, ...]) -> None:
        found.append(words)
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


def test_every_command_answers_help(capsys: pytest.CaptureFixture[str]) -> None:
    commands = every_command()
    assert {("run",), ("up",), ("doctor",), ("models", "add"), ("classifications", "approve")} <= set(commands)
    for words in commands:
        assert run([*words, "--help"]) == 0, words
        assert "Usage: trapper" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "/nowhere/at/all"), "no folder '/nowhere/at/all'"),
        (("run", ".", "--out", "results.zip"), "one of .json, .csv"),
        (("models", "fly"), "No such command 'fly'"),
        (("run",), "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_2(trapper: Trapper, words: tuple[str, ...], told: str) -> None:
    answer = trapper(*words, "--json")
    assert answer.code == 2
    assert told in " ".join(re.sub(r"[│╭╮╰╯─]", " ", answer.text).split())
    assert answer.json["ok"] is False


@pytest.mark.parametrize(("option", "known"), [("--detector", "demo-detector"), ("--species", "demo-species")])
def test_an_unknown_model_ends_with_2_and_the_names_that_are_known(
    stack: Trapper, first_run: FirstRun, option: str, known: str
) -> None:
    answer = stack("run", first_run.photos, option, "nobody", "--json")
    assert answer.code == 2
    assert "nobody" in answer.json["error"]
    assert known in answer.json["error"]


LISTS = [
    ("status",),
    ("up",),
    ("models", "list"),
    ("jobs", "list"),
    ("projects", "list"),
    ("workers", "list"),
    ("classifications", "list"),
    ("tokens", "create", "--name", "a script"),
]
UNKNOWN = [("classifications", "show", "nothing"), ("jobs", "watch", "00000000-0000-0000-0000-000000000000")]


def test_with_json_standard_output_is_one_document(stack: Trapper) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda words: stack(*words, "--json"), [*LISTS, *UNKNOWN]))
    assert [answer.code for answer in answers] == [0] * len(LISTS) + [1] * len(UNKNOWN)
    documents = [json.loads(answer.out) for answer in answers]
    for document in documents[len(LISTS) :]:
        assert document["ok"] is False
        assert document["error"].endswith(".")


def test_without_json_a_person_reads_a_table(stack: Trapper, first_run: FirstRun) -> None:
    answer = stack("run", first_run.photos, *DEMO)
    assert answer.code == 0
    for told in ("Photos", "Blank", "With animals", "red deer", "demo-detector"):
        assert told in answer.text


def test_where_nothing_runs_commands_say_how_to_start_it(trapper: Trapper, folder: Path) -> None:
    idle = Trapper(folder)
    for words, code in ((("status",), 1), (("jobs", "list"), 1), (("down",), 0)):
        answer = idle(*words, "--json")
        assert answer.code == code, (words, answer.text)
        json.loads(answer.out)
        assert words != ("jobs", "list") or "trapper up" in answer.text
