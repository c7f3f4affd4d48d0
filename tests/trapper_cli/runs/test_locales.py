"""The same bytes come out in every locale, for every name that a file system can hold."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.locales import NAMES, locale_environment
from tests.support.networks import colour_detector

FILES = [
    "Müller/käfer.jpg".encode(),
    "Müller".encode() + b"/caf\xe9 \xff.jpg",
    b"new\nline/quote'\".jpg",
    "\N{DEER}/1.jpg".encode(),
    b"=cmd/-rf.jpg",
]
NEXT = b"\n--- next ---\n"
WRITE = """
import sys
from pathlib import Path
from trapper_cli.runs.outcomes import FileOutcome, ModelUsed, RunResult
from trapper_cli.runs.names import portable, unique_name
from trapper_cli.runs.scan import scan_folder
from trapper_cli.runs.write_csv import observations_csv
from trapper_cli.runs.write_md_json import md_json
from trapper_client.app import run

root = Path(sys.argv[1])
photos = scan_folder(root, warn=print).photos
outcomes = [FileOutcome(photo.relative, deployment=photo.folder, captured_at="x") for photo in photos]
result = RunResult(unique_name(portable(root.name), portable(str(root))), outcomes)
out = sys.stdout.buffer
out.write(md_json(result, ModelUsed("demo-detector", "1", ""), None) + NEXT + observations_csv(result) + NEXT)
assert run(["run", sys.argv[1], "--dry-run", "--json"]) == 0
out.write(NEXT)
assert run(["run", sys.argv[1], "--dry-run"]) == 0  # and a person's table can be printed
"""


@dataclass(frozen=True)
class Written:
    """What was written of one card in one locale."""

    results: bytes
    observations: bytes
    plan: bytes
    table: bytes


def environment(name: str, folder: Path) -> dict[str, str]:
    made = locale_environment(name, folder)
    if made is None:
        pytest.skip(f"this machine can make no locale {name}")
    return {**made, "TRAPPER_STATE_DIR": str(folder / "state")}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cards") / "Kärtchen"
    for name in FILES:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff\xe0" + name)
    return root


def written(card: Path, name: str, folder: Path) -> Written:
    script = WRITE.replace("NEXT", repr(NEXT))
    done = subprocess.run(
        [sys.executable, "-c", script, os.fsencode(card)],
        env=environment(name, folder),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Written(*done.stdout.split(NEXT))


@pytest.fixture(scope="module")
def in_utf_8(card: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(card, "C.UTF-8", tmp_path_factory.mktemp("UTF-8"))


def test_results_hold_every_name_byte_for_byte(in_utf_8: Written) -> None:
    document = json.loads(in_utf_8.results)
    assert sorted(image["file"].encode("utf-8", "surrogateescape") for image in document["images"]) == sorted(FILES)
    assert sum(each["photos"] for each in json.loads(in_utf_8.plan)["deployments"]) == len(FILES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "C.UTF-8"])
def test_results_and_plan_have_the_same_bytes_in_every_locale(
    card: Path, tmp_path: Path, in_utf_8: Written, name: str
) -> None:
    here = written(card, name, tmp_path)
    assert (here.results, here.observations, here.plan) == (in_utf_8.results, in_utf_8.observations, in_utf_8.plan)
    assert b"Nothing was sent" in here.table


@pytest.mark.parametrize("name", NAMES)
def test_a_model_under_any_path_can_be_tried(tmp_path: Path, name: str) -> None:
    made = colour_detector(tmp_path / "made.onnx", size=96)
    path = tmp_path / "Müller" / os.fsdecode(b"M\xfcller") / "färbe.onnx"
    path.parent.mkdir(parents=True)
    made.rename(path)
    request = {
        "name": "colours", "version": "", "predictor": "yolov8", "labels": ["animal", "person", "vehicle"],
        "label_map": None, "input_size": None, "preprocess": {}, "activation": "auto", "licence": "",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ai_worker.commands", "inspect-model", os.fsencode(path)],
        input=json.dumps(request).encode(),
        env=environment(name, tmp_path),
        capture_output=True,
        check=False,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"], answer
