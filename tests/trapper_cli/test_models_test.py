"""`trapper models test`: an installed model is run by the Worker's own code, and what it saw is shown."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.catalogue_operators import Operator, operating
from tests.support.make.ai_manager import model_entry
from tests.support.networks import colour_classifier, colour_detector
from trapper_client.commands.complete import complete_model


@pytest.fixture
async def operator(
    ai_manager_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Operator]:
    async with operating(ai_manager_database_url, tmp_path, monkeypatch, capsys) as one:
        yield one


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Red in the upper left corner, which is an animal."""
    path = tmp_path / "red.png"
    image = Image.new("RGB", (128, 128))
    image.paste((255, 0, 0), (0, 0, 32, 32))
    image.save(path)
    return path


def spec(size: int = 128, **changes: Any) -> dict[str, Any]:
    labels = [
        {"label": "animal", "observation_type": "animal"},
        {"label": "person", "observation_type": "human"},
        {"label": "vehicle", "observation_type": "vehicle"},
    ]
    how = {"width": size, "height": size}
    values = {"predictor": "yolov8", "labels": labels, "thresholds": {"typical": 0.5, "conservative": 0.1}}
    return {**values, "preprocessing": how, **changes}


async def install(operator: Operator, content: bytes, **changes: Any) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    entry = model_entry(**{"name": "mine", "sha256": sha256, "spec": spec(), **changes})
    (await operator.manager.client.post("/api/models/", json={"entry": entry})).raise_for_status()
    (await operator.manager.client.put(f"/api/models/{sha256}/weights", content=content)).raise_for_status()


async def test_a_detector_says_what_it_saw_and_how_fast(operator: Operator, picture: Path, tmp_path: Path) -> None:
    await install(operator, colour_detector(tmp_path / "made.onnx").read_bytes())
    told = await operator.said("test", "mine", str(picture), "--threads", "1")
    (seen,) = told["pictures"]
    assert [one["label"] for one in seen["objects"]] == ["animal"]
    assert seen["objects"][0]["box"] == [0, 0, 0.25, 0.25]
    cpu = {one["provider"]: one for one in told["providers"]}["CPUExecutionProvider"]
    assert cpu["ok"]
    assert cpu["model_seconds"] > 0
    assert cpu["pictures_per_second"] > 0
    assert await operator.does("test", "mine", str(picture)) == 0
    assert next(line.split() for line in operator.out.splitlines() if "red.png" in line)[-2:] == ["animal", "1.00"]


async def test_a_classifier_names_the_whole_picture(operator: Operator, picture: Path, tmp_path: Path) -> None:
    how = spec(32, predictor="classifier", activation="softmax", embedding={"output": "embedding", "dimension": 3})
    content = colour_classifier(tmp_path / "made.onnx").read_bytes()
    await install(operator, content, kind="classification", spec=how)
    (seen,) = (await operator.said("test", "mine", str(picture)))["pictures"]
    assert seen["labels"][0]["label"] == "animal"
    assert seen["features"] == 3


async def test_a_picture_that_is_none_is_said_so_and_the_rest_goes_on(
    operator: Operator, picture: Path, tmp_path: Path
) -> None:
    await install(operator, colour_detector(tmp_path / "made.onnx").read_bytes())
    (tmp_path / "note.jpg").write_text("not a picture")
    told = await operator.said("test", "mine", str(tmp_path / "note.jpg"), str(picture))
    by_name = {Path(one["file"]).name: one for one in told["pictures"]}
    assert "problem" in by_name["note.jpg"]
    assert by_name["red.png"]["objects"]


@pytest.mark.parametrize(
    ("content", "changes", "told"),
    [
        (b"no network at all", {}, "does not run here"),
        (None, {"spec": spec(predictor="yolov5")}, "does not run here"),
        (None, {"runtimes": ["hailo8"]}, "no device is one of hailo8"),
    ],
)
async def test_what_does_not_run_ends_with_1_and_the_reason(
    operator: Operator, picture: Path, tmp_path: Path, *, content: bytes | None, changes: dict[str, Any], told: str
) -> None:
    await install(operator, content or colour_detector(tmp_path / "made.onnx").read_bytes(), **changes)
    assert await operator.does("test", "mine", str(picture)) == 1
    assert told in operator.err
    assert "Traceback" not in operator.err


async def test_what_is_not_installed_names_the_command(operator: Operator, picture: Path) -> None:
    entry = model_entry(name="elsewhere")
    (await operator.manager.client.post("/api/models/", json={"entry": entry})).raise_for_status()
    assert await operator.does("test", "elsewhere", str(picture)) == 1
    assert "trapper models install elsewhere" in operator.err
    assert await operator.does("test", "elsewhere", "no-such-file.jpg") == 2
    assert await operator.does("test", "nobody", str(picture)) == 2


async def test_names_of_models_are_completed(operator: Operator, tmp_path: Path) -> None:
    await install(operator, colour_detector(tmp_path / "made.onnx").read_bytes())
    assert await asyncio.to_thread(complete_model, "mi") == ["mine"]
    assert await asyncio.to_thread(complete_model, "other") == []
