"""The converters without the frameworks they need: command lines, recipes, and the check that every file must pass."""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.networks import colour_classifier, colour_detector, fixed_output
from trapper_schemas.catalog import read_manifest
from trapper_schemas.v1.models import Availability

CONVERT = Path(__file__).parents[2] / "models" / "convert"
FAMILIES = sorted(path.stem for path in CONVERT.glob("*_family.py"))
ENTRIES = {entry.name: entry for entry in read_manifest()} | {f"{e.name}@{e.version}": e for e in read_manifest()}
sys.path.insert(0, str(CONVERT))

conversion = importlib.import_module("conversion")
RECIPES = {
    entry: (family, recipe) for family in FAMILIES for entry, recipe in importlib.import_module(family).RECIPES.items()
}


def call(family, *words):
    command = [sys.executable, CONVERT / f"{family}.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_script_tells_what_it_converts_and_refuses_what_it_does_not(family, tmp_path):
    known = sorted(entry for entry, (of, _) in RECIPES.items() if of == family)
    told = call(family, "--help")
    assert told.returncode == 0
    assert all(entry in "".join(told.stdout.split()) for entry in known)
    assert call(family, "no-such-entry", "x.pt").returncode == 2
    missing = call(family, known[0], tmp_path / "absent.pt", "--repo", ".", "--config", "x", "--labels", "y")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_a_script_has_an_environment_of_its_own(family):
    wanted = (CONVERT / f"requirements-{family}.txt").read_text().splitlines()
    assert any(line.startswith("torch>=") for line in wanted)
    assert {"numpy>=2,<3", "onnx>=1.17,<2", "onnxruntime>=1.20,<2"} <= set(wanted)


@pytest.mark.parametrize("entry", sorted(RECIPES))
def test_a_recipe_is_what_the_catalogue_says(entry):
    _, recipe = RECIPES[entry]
    spec = ENTRIES[entry].spec
    assert spec is not None
    assert spec.preprocessing.width == spec.preprocessing.height == recipe.side
    assert (spec.preprocessing.layout == "nhwc") == recipe.channels_last
    classes = len(spec.labels)
    first = recipe.outputs[0]
    table = {
        "yolov8": (None, 4 + classes, None),
        "yolov5": (None, None, 5 + classes),
        "yolov10": (None, 300, 6),
        "classifier": (None, classes or None),
    }
    rtdetr = {(None, 300, 6), (None, 300, classes)}
    assert first in rtdetr if spec.predictor == "rtdetr" else first == table[spec.predictor]


def test_every_entry_that_must_be_converted_has_a_script():
    wanted = {entry.name for entry in read_manifest() if entry.availability is Availability.CONVERT}
    assert wanted <= {entry.partition("@")[0] for entry in RECIPES}


DETECTOR = conversion.Recipe(128, ((None, 7, None),))


def test_a_file_that_fits_is_run_on_inputs_that_never_change(tmp_path):
    path = colour_detector(tmp_path / "made.onnx")
    answers = conversion.check(path, DETECTOR)
    assert sorted(answers) == ["gradient", "grey", "noise"]
    again = conversion.check(path, DETECTOR)
    assert all(np.array_equal(a, b) for name in answers for a, b in zip(answers[name], again[name], strict=True))
    last = conversion.fixed_inputs(conversion.Recipe(32, (), channels_last=True), 2)
    assert {values.shape for values in last.values()} == {(2, 32, 32, 3)}


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (conversion.Recipe(160, ((None, 7, None),)), "takes any x 3 x 128 x 128; expected 1 x 3 x 160 x 160"),
        (conversion.Recipe(128, ((None, 84, None),)), "answers 1 x 7 x 16; expected any x 84 x any"),
        (conversion.Recipe(128, ((None, 7, None),), channels_last=True), "expected 1 x 128 x 128 x 3"),
    ],
)
def test_a_file_of_other_shapes_says_what_was_expected_and_seen(tmp_path, recipe, said):
    with pytest.raises(conversion.Unfit, match=said):
        conversion.check(colour_detector(tmp_path / "made.onnx"), recipe)


def test_numbers_that_are_none_and_weights_elsewhere_are_refused(tmp_path):
    values = np.full((7, 5), np.nan, np.float32)
    with pytest.raises(conversion.Unfit, match="infinite or none"):
        conversion.check(fixed_output(tmp_path / "nan.onnx", values, size=128), DETECTOR)
    model = onnx.load(colour_detector(tmp_path / "made.onnx"))
    onnx.save(model, tmp_path / "split.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(conversion.Unfit, match="another file"):
        conversion.check(tmp_path / "split.onnx", DETECTOR)


def test_a_file_must_say_what_the_network_said(tmp_path):
    path = colour_classifier(tmp_path / "made.onnx")
    recipe = conversion.Recipe(32, ((None, 3), (None, 3)))

    def network(images):
        means = images.mean(axis=(2, 3))
        return [means, means * 10]

    assert conversion.compare(path, recipe, network) < conversion.TOLERANCE
    with pytest.raises(conversion.Unfit, match="off the network"):
        conversion.compare(path, recipe, lambda images: [one * 1.01 for one in network(images)])
    with pytest.raises(conversion.Unfit, match="before it was"):
        conversion.compare(path, recipe, lambda images: network(images)[:1])


def test_the_best_rows_of_many_may_come_in_another_order_and_no_other_row(tmp_path):
    rng = np.random.default_rng(1)
    rows = rng.uniform(0, 1, (300, 4)).astype(np.float32)
    path = fixed_output(tmp_path / "made.onnx", rows, size=64)
    recipe = conversion.Recipe(64, ((None, 300, 4),), unordered=True)
    chosen = rows.copy()
    chosen[:9] = rng.uniform(0, 1, (9, 4))
    assert conversion.compare(path, recipe, lambda _: [rng.permutation(chosen)[None]]) < conversion.TOLERANCE
    with pytest.raises(conversion.Unfit, match="off the network"):
        conversion.compare(path, recipe, lambda _: [rng.permutation(rows)[None] * 1.01])
    with pytest.raises(conversion.Unfit, match="off the network"):
        conversion.compare(path, conversion.Recipe(64, ((None, 300, 4),)), lambda _: [rng.permutation(rows)[None]])


def test_what_other_people_s_classes_raise_is_one_line_and_leaves_no_file(tmp_path, capsys):
    def breaks(_options: argparse.Namespace, _recipe: object, out: Path) -> None:
        out.write_bytes(b"half")
        raise RuntimeError("Error(s) in loading state_dict:\n  Missing key(s): a.weight")

    assert knock(tmp_path, breaks) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "made.pt cannot be converted: RuntimeError: Error(s) in loading state_dict:; Missing key(s)" in told
    assert not (tmp_path / "out.onnx").exists()


def knock(tmp_path, convert, *, needs=(), out="out.onnx"):
    (tmp_path / "made.pt").write_bytes(b"a checkpoint")
    arguments = ["thing", str(tmp_path / "made.pt"), "--out", str(tmp_path / out)]
    return conversion.command_line("Converts.", {"thing": DETECTOR}, convert, needs=needs, arguments=arguments)


def writes(size=128):
    def convert(_options: argparse.Namespace, _recipe: object, out: Path) -> None:
        colour_detector(out, size=size)

    return convert


def test_the_command_keeps_what_fits_and_names_the_next_command(tmp_path, capsys):
    assert knock(tmp_path, writes()) == 0
    assert "trapper models install thing --file" in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        knock(tmp_path, writes())
    assert refused.value.code == 2
    assert "is there already" in capsys.readouterr().err


def test_the_command_keeps_nothing_that_does_not_fit(tmp_path, capsys):
    assert knock(tmp_path, writes(160)) == 1
    assert "expected 1 x 3 x 128 x 128" in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()


def test_a_framework_that_is_missing_is_named_with_its_requirements(tmp_path, capsys):
    assert knock(tmp_path, writes(), needs=("no_such_framework",)) == 1
    assert "no_such_framework is not installed here" in capsys.readouterr().err


def test_labels_go_into_the_file_where_the_catalogue_has_none(tmp_path):
    family = importlib.import_module("efficientnet_family")
    path = colour_classifier(tmp_path / "made.onnx")
    (tmp_path / "labels.txt").write_text("fox\nowl\nmouse\n")
    family.named(path, family.read_labels(tmp_path / "labels.txt", 3))
    (names,) = [prop.value for prop in onnx.load(path).metadata_props if prop.key == "names"]
    assert names == "{0: 'fox', 1: 'owl', 2: 'mouse'}"
    with pytest.raises(conversion.Unfit, match="3 lines; expected 4"):
        family.read_labels(tmp_path / "labels.txt", 4)


def test_the_page_of_models_names_every_entry_and_every_script():
    page = (CONVERT.parents[1] / "docs" / "models.md").read_text()
    assert [entry.name for entry in read_manifest() if f"`{entry.name}`" not in page] == []
    assert [family for family in FAMILIES if f"`{family}.py" not in page] == []


def test_centres_as_fractions_become_corners_in_pixels(tmp_path):
    row = np.asarray([[0.5, 0.25, 0.2, 0.1, 0.9, 2.0]], np.float32)
    path = fixed_output(tmp_path / "made.onnx", row, size=64)
    importlib.import_module("ultralytics_family").as_corners(path, 100)
    (answer,) = conversion.check(path, conversion.Recipe(64, ((None, 1, 6),)))["grey"]
    assert np.allclose(answer[0, 0], [40, 20, 60, 30, 0.9, 2], atol=1e-4)
