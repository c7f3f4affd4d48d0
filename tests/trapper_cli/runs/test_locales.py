"""The same bytes come out in every locale, for every name that a file system can hold."""

import json
import os
import subprocess
import sys
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
WRITE = """
import sys
from pathlib import Path
from trapper_cli.runs.outcomes import FileOutcome, ModelUsed, RunResult
from trapper_cli.runs.names import portable, unique_name
from trapper_cli.runs.scan import scan_folder
from trapper_cli.runs.write_csv import observations_csv
from trapper_cli.runs.write_md_json import md_json

root = Path(sys.argv[1])
photos = scan_folder(root, warn=print).photos
outcomes = [FileOutcome(photo.relative, deployment=photo.folder, captured_at="x") for photo in photos]
result = RunResult(unique_name(portable(root.name), portable(str(root))), outcomes)
sys.stdout.buffer.write(md_json(result, ModelUsed("demo-detector", "1", ""), None) + observations_csv(result))
"""


def _in_locale(name: str, tmp_path: Path, *words: str | bytes) -> bytes:
    environment = locale_environment(name, tmp_path)
    if environment is None:
        pytest.skip(f"this machine can make no locale {name}")
    environment["TRAPPER_STATE_DIR"] = str(tmp_path / "state")
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def card(tmp_path: Path) -> Path:
    root = tmp_path / "Kärtchen"
    for name in FILES:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff\xe0" + name)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_results_have_the_same_bytes_in_every_locale(card: Path, tmp_path: Path, name: str) -> None:
    written = _in_locale(name, tmp_path, "-c", WRITE, os.fsencode(card))
    assert written == _in_locale("C.UTF-8", tmp_path, "-c", WRITE, os.fsencode(card))
    document = json.loads(written[: written.index(b"\n}\n") + 3])
    assert sorted(image["file"].encode("utf-8", "surrogateescape") for image in document["images"]) == sorted(FILES)


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_has_the_same_bytes_in_every_locale(card: Path, tmp_path: Path, name: str) -> None:
    command = ("-m", "trapper_client", "run", os.fsencode(card), "--dry-run", "--json")
    assert _in_locale(name, tmp_path, *command) == _in_locale("C.UTF-8", tmp_path, *command)
    _in_locale(name, tmp_path, *command[:-1])  # and a person's table can be printed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", ["Müller".encode(), b"M\xfcller"])
def test_a_model_under_any_path_can_be_tried(tmp_path: Path, folder: bytes, name: str) -> None:
    made = colour_detector(tmp_path / "made.onnx", size=96)
    path = tmp_path / os.fsdecode(folder) / "färbe.onnx"
    path.parent.mkdir()
    made.rename(path)
    environment = locale_environment(name, tmp_path)
    if environment is None:
        pytest.skip(f"this machine can make no locale {name}")
    request = {
        "name": "colours", "version": "", "predictor": "yolov8", "labels": ["animal", "person", "vehicle"],
        "label_map": None, "input_size": None, "preprocess": {}, "activation": "auto", "licence": "",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ai_worker.commands", "inspect-model", os.fsencode(path)],
        input=json.dumps(request).encode(),
        env=environment,
        capture_output=True,
        check=False,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ok"], answer
