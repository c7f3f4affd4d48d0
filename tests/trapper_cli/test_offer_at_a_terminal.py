"""`trapper run` as somebody who sits at a terminal sees it, and `trapper models install`, on a stack of their own."""

import hashlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.main_job.trapper import COMMAND, Trapper
from tests.support.networks import colour_detector
from tests.support.weights_servers import serving_weights
from trapper_cli.models.download import find_origin
from trapper_cli.models.install import find_entry, install
from trapper_client.app import run
from trapper_client.commands import models
from trapper_client.stack import connect, connect_manager
from trapper_schemas.catalog import map_labels, read_label_map
from trapper_schemas.v1.models import ModelEntry, ModelSpec, Preprocessing, Source

pytestmark = pytest.mark.timeout(300)

QUESTION = b"[y/N]"
CTRL_C = b"\x03"
PATIENCE_SECONDS = 5.0


@pytest.fixture(scope="module")
def trapper() -> Iterator[Trapper]:
    place = Path(tempfile.mkdtemp(prefix="trapper offer "))
    made = Trapper(place)
    answer = made("up", "--json")
    assert answer.code == 0, f"{answer.text}\n{made.logs()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAPPER_STATE_DIR", str(made.state_dir))
        for name in ("TRAPPER_URL", "TRAPPER_TOKEN", "TRAPPER_MANAGER_URL", "TRAPPER_MANAGER_TOKEN"):
            patch.delenv(name, raising=False)
        yield made
    made("down")
    shutil.rmtree(place, ignore_errors=True)


def _hear_ctrl_c() -> None:
    """Whoever started the tests in the background of a shell without job control has it ignored by all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_a_terminal(trapper: Trapper, *words: str | Path, answer: bytes = b"", **variables: str) -> str:
    """What a command wrote to its terminal; it is answered once, when it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *words],
        env={**trapper.environment(), "TERM": "dumb", **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - one call into the kernel, which takes no lock
    )
    os.close(theirs)
    written, asked, until = b"", False, time.monotonic() + 120
    while time.monotonic() < until:
        if not select.select([ours], [], [], PATIENCE_SECONDS)[0]:
            if asked and answer == CTRL_C and written.rstrip().endswith(QUESTION + b":"):
                process.send_signal(signal.SIGINT)  # it came just before the read began, as it can; people press again
            continue
        try:
            written += os.read(ours, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if QUESTION in written and not asked:
            assert answer, written
            asked = True
            if answer == CTRL_C:  # the terminal of this test controls no session, so the key itself would do nothing
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer)
    else:
        process.kill()
    os.close(ours)
    assert process.wait(timeout=20) == 0, written
    assert asked == bool(answer), written
    assert b"Traceback" not in written
    return " ".join(written.decode("utf-8", "replace").split())


def command(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    """The exit code of a command in this process, and its document."""
    code = run([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def listed(name: str) -> dict[str, Any]:
    """The model as `trapper models list` shows it."""
    with connect_manager() as manager:
        return models.summary(next(model for model in manager.models() if model["name"] == name))


def offered(name: str, url: str, content: bytes, *, pinned: bool) -> ModelEntry:
    """The entry of the shipped catalogue with this address and labels, as a mirror's operator would write it."""
    known = listed(name)
    return ModelEntry(
        name=name,
        version=known["version"],
        kind=known["type"],
        availability=known["availability"],
        licence=known["licence"],
        sha256=hashlib.sha256(content).hexdigest() if pinned else None,
        size_bytes=len(content),
        sources=(Source(url=url, file_name="colours.onnx"),),
        spec=ModelSpec(
            predictor="yolov8",
            preprocessing=Preprocessing(width=128, height=128),
            labels=map_labels(["animal", "person", "vehicle"], read_label_map("megadetector")),
            thresholds={"typical": 0.25, "conservative": 0.05},  # type: ignore[arg-type]  # read as from the wire
        ),
    )


@dataclass(frozen=True)
class Evening:
    """What one person's terminal showed, run after run, and what the address of the weights was asked meanwhile."""

    offline: str
    declined: str
    interrupted: str
    once: str
    accepted: str
    afterwards: str
    asked_before_the_yes: list[tuple[str, str]]
    sha256: str


@pytest.fixture(scope="module")
def evening(trapper: Trapper) -> Evening:
    folder = trapper.place / "photos"
    folder.mkdir()
    Image.new("RGB", (128, 128), (255, 0, 0)).save(folder / "red.png")
    content = colour_detector(trapper.place / "made.onnx").read_bytes()
    dead = "http://127.0.0.1:9"
    offline = at_a_terminal(trapper, "run", folder, HTTPS_PROXY=dead, https_proxy=dead)
    with serving_weights() as server:
        url = f"{server.url}/colours.onnx"
        server.files["/colours.onnx"] = content
        with connect_manager() as manager:
            manager.publish_model(offered("yolox-s", url, content, pinned=True).model_dump(mode="json"))
        declined = at_a_terminal(trapper, "run", folder, answer=b"\n")
        interrupted = at_a_terminal(trapper, "run", folder, answer=CTRL_C)
        once = at_a_terminal(trapper, "run", folder, "--once")
        asked = list(server.asked)
        accepted = at_a_terminal(trapper, "run", folder, answer=b"y\n")
    afterwards = at_a_terminal(trapper, "run", folder)
    sha256 = hashlib.sha256(content).hexdigest()
    return Evening(offline, declined, interrupted, once, accepted, afterwards, asked, sha256)


def test_without_a_network_the_demo_model_looks(evening: Evening) -> None:
    assert "A real detector could not be offered" in evening.offline
    assert "Detector demo-detector" in evening.offline


def test_enter_and_ctrl_c_decline_and_download_nothing(evening: Evening) -> None:
    assert "licence Apache-2.0" in evening.declined
    assert "Detector demo-detector" in evening.declined
    assert "Detector demo-detector" in evening.interrupted
    assert evening.asked_before_the_yes == [("HEAD", "/colours.onnx")] * 2


def test_a_run_with_once_asks_nothing(evening: Evening) -> None:
    assert "can be downloaded" not in evening.once
    assert "Detector demo-detector" in evening.once


def test_yes_installs_the_detector_under_its_name_and_uses_it(
    trapper: Trapper, evening: Evening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Detector yolox-s" in evening.accepted
    assert evening.sha256 in evening.accepted
    assert "can be downloaded" not in evening.afterwards
    assert "Detector yolox-s" in evening.afterwards
    shown = listed("yolox-s")
    assert (shown["held"], shown["sha256"]) == (True, evening.sha256)
    assert list((trapper.state_dir / "downloads").iterdir()) == []
    code, again = command(capsys, "models", "install", "yolox-s")
    assert (code, again["was_here"]) == (0, True)


@pytest.mark.usefixtures("evening")  # which begins where no real detector is
def test_an_unpinned_entry_is_pinned_by_what_was_downloaded(tmp_path: Path) -> None:
    content = colour_detector(tmp_path / "made.onnx", size=160).read_bytes()
    with serving_weights() as server, connect() as expert, connect_manager() as manager:
        server.files["/a"] = content
        known = offered("yolox-tiny", f"{server.url}/a", content, pinned=False).model_dump(mode="json")
        known["spec"]["preprocessing"].update(width=160, height=160)
        entry, _ = find_entry([known], "yolox-tiny")
        install(manager, expert, entry, find_origin(entry), tmp_path / "downloads")
        providers = {each.name: each.sha256 for each in expert.providers()}
    assert providers["yolox-tiny"] == hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("trapper")
def test_what_cannot_be_installed_is_refused_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for name, told in (("speciesnet", "convert it"), ("yolov8-n", "get the file yourself")):
        code, answer = command(capsys, "models", "install", name, "--yes")
        assert code == 1
        assert told in answer["error"]
        assert "docs/models.md" in answer["error"]
        assert f"trapper models install {name} --file" in answer["error"]
    assert command(capsys, "models", "install", "nope")[0] == 2


@pytest.mark.usefixtures("evening")
def test_a_converted_file_becomes_the_entry_that_it_was_made_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = colour_detector(tmp_path / "larch.onnx", size=640)
    code, answer = command(capsys, "models", "install", "megadetector-1000-larch", "--file", made)
    assert code == 0, answer
    shown = listed("megadetector-1000-larch")
    assert (shown["availability"], shown["held"], shown["pinned"]) == ("ready", True, True)
    assert shown["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    with connect() as expert:
        assert shown["sha256"] in {each.sha256 for each in expert.providers()}
    assert command(capsys, "models", "install", "yolox-nano", "--file", made)[0] == 1
    assert command(capsys, "models", "install", "yolox-nano", "--file", "nowhere.onnx")[0] == 2
