"""kill -9 in the middle of a run; running again ends with every photo done, and looked at as without it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.main_job.conftest import FirstRun
from tests.main_job.md_rules import broken_rules
from tests.main_job.trapper import DEMO, MARKS, Trapper, copy_anew, until

pytestmark = MARKS


def stored(trapper: Trapper) -> int:
    """How many originals the media store holds."""
    return sum(1 for path in (trapper.state_dir / "media").rglob("*") if path.is_file())


def asked(trapper: Trapper) -> list[list[str]]:
    """What the Manager was asked."""
    return trapper.manager_rows("select id from jobs order by id")


def leased(trapper: Trapper) -> list[list[str]]:
    """What a worker has in its hands, or had since."""
    return [[batch] for batch, attempt in trapper.batches() if int(attempt)]


# Each holds the photos when its count grows: the Expert the bytes, the Manager the job, the Worker the batch.
MIDDLE: dict[str, Callable[[Trapper], object]] = {
    "expert": stored,
    "ai_manager": asked,
    "ai_worker": leased,
    "supervisor": leased,
}


class TooLate(Exception):  # noqa: N818 - named after what is the case
    """A busy machine looked when the run had ended already, and nothing was killed."""


def kill_in_the_middle(trapper: Trapper, photos: Path, names: Sequence[str]) -> "subprocess.Popen[bytes]":
    """A run that goes on, and whose processes were killed when it was their turn."""
    pids = {name: trapper.pid(name) for name in names}
    before = {name: MIDDLE[name](trapper) for name in names}
    running = trapper.start("run", photos, *DEMO, "--json")
    for name in names:
        until(lambda: MIDDLE[name](trapper) != before[name], f"the turn of {name}")  # noqa: B023 - ends before the next
        if running.poll() is not None:
            trapper.finish(running)
            raise TooLate
        os.kill(pids[name], signal.SIGKILL)
    return running


@dataclass(frozen=True)
class Cards:
    """Twelve photos that nobody has seen, as often as they are wanted."""

    folder: Path
    first_run: FirstRun

    def disturbed(self, trapper: Trapper, names: Sequence[str]) -> "tuple[subprocess.Popen[bytes], Path]":
        """The run that was disturbed, and its photos."""
        for number in range(5):
            card = self.folder / f"card {number}"
            copy_anew([self.first_run.photos / file for file in self.first_run.files], card, str(card))
            until(lambda: trapper.look()["healthy"], "the stack is well")
            with suppress(TooLate):
                return kill_in_the_middle(trapper, card, names), card
        raise AssertionError("every run ended before anything could be killed")


def assert_all_done(trapper: Trapper, photos: Path, first_run: FirstRun) -> None:
    """Every photo shows what its source shows."""
    document = trapper.results(photos, *DEMO)
    assert broken_rules(document) == []
    undisturbed = {image["file"].replace("/", "-"): image for image in json.loads(first_run.results)["images"]}
    found = {image["file"]: image["detections"] for image in document["images"]}
    assert found == {file: image["detections"] for file, image in undisturbed.items()}
    trapper.assert_sound()


@pytest.fixture
def cards(first_run: FirstRun, folder: Path) -> Cards:
    return Cards(folder, first_run)


def test_a_run_survives_its_services(stack: Trapper, first_run: FirstRun, cards: Cards) -> None:
    """Each is killed while it holds the photos; the same command goes on when they are there again."""
    running, card = cards.disturbed(stack, ["expert", "ai_manager", "ai_worker"])
    answer = stack.finish(running)
    assert answer.code in {0, 1}, answer.text
    assert answer.json["ok"] is (answer.code == 0)
    assert_all_done(stack, card, first_run)


def test_after_the_supervisor_and_all_with_it_were_killed_running_again_finishes(
    stack: Trapper, first_run: FirstRun, cards: Cards
) -> None:
    """The first command may still wait: the second starts the stack, and both come to an end."""
    killed = stack.pid("supervisor")
    interrupted, card = cards.disturbed(stack, ["supervisor"])
    assert_all_done(stack, card, first_run)
    assert stack.pid("supervisor") != killed
    assert stack.finish(interrupted).code in {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", MIDDLE)
def test_after_any_one_was_killed_the_same_command_ends_and_again_finishes(
    stack: Trapper, first_run: FirstRun, cards: Cards, name: str
) -> None:
    """Nobody helps the interrupted command; it gives up or goes on by itself, with a sentence."""
    running, card = cards.disturbed(stack, [name])
    answer = stack.finish(running)
    assert answer.code in {0, 1}, answer.text
    assert_all_done(stack, card, first_run)
