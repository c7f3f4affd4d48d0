import json
import os
from pathlib import Path

import pytest

from trapper_client.app import run


@pytest.fixture(autouse=True)
def _no_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TRAPPER_URL", "TRAPPER_TOKEN", "TRAPPER_MANAGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "/nowhere/at/all"], "There is no folder '/nowhere/at/all'"),
        (["run", ".", "--out", "x.zip"], "one of .json, .csv"),
        (["run", ".", "--out", "/nowhere/x.json"], "there is no folder '/nowhere'"),
        (["run", ".", "--sequence-interval", "0"], "sequence-interval"),
        (["models", "add", "x.onnx"], "name"),
        (["models", "add", "x.onnx", "--name", "a", "--predictor", "nope"], "predictor"),
        (["models", "add", __file__, "--name", "two words", "--predictor", "yolox"], "letters, digits and hyphens"),
        (["models", "add", "x.onnx", "--name", "a", "--predictor", "yolox"], "There is no file 'x.onnx'"),
        (
            ["models", "add", "x", "--name", "a", "--predictor", "yolox", "--map", "nope"],
            "Built in: coco, megadetector",
        ),
        (["models", "add", "x", "--name", "a", "--predictor", "yolox", "--preprocess", "rgb"], "key=value"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    spoken = capsys.readouterr().err
    assert told in " ".join(spoken.split())
    assert "Traceback" not in spoken


def test_a_file_instead_of_a_folder_is_wrong_usage_also_for_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = tmp_path / os.fsdecode(b"caf\xe9")
    hostile.write_bytes(b"")
    assert run(["run", str(hostile), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert "is not a folder" in document["error"]


def test_a_pickle_is_refused_with_its_reason_and_registers_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "best.pt"
    weights.write_bytes(b"\x80\x02}q\x00.")
    assert run(["models", "add", str(weights), "--name", "mine", "--predictor", "yolov8", "--json"]) == 1
    assert "Refused (not-onnx)" in json.loads(capsys.readouterr().out)["error"]
    assert not (tmp_path / "state").exists()
