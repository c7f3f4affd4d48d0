"""What is published of a golden run, and what a comparison with it notices."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from ai_worker.model_intake.register import register_model
from ai_worker.model_store.golden import Golden, compare_runs, difference, golden_run, run_golden
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from tests.support.exports import save_export
from tests.support.make.inference import stage_spec
from tests.support.networks import colour_classifier
from trapper_schemas.catalog import read_manifest, read_proofs
from trapper_schemas.v1.models import EmbeddingOutput, GoldenRun, ModelKind

LABELS = ["animal", "person", "vehicle"]
NAMES = ["output"]
PROOFS = read_proofs()


def published(runs, spec):
    return golden_run(NAMES, spec, runs, provider="CPUExecutionProvider", precision="float32")


def golden(*outputs):
    return [Golden(name, [np.asarray(one, np.float32)], 0.1) for name, one in zip("abc", outputs, strict=False)]


def table(rng, rows=400):
    """A detector's candidates, of which nothing is found on golden inputs."""
    places = rng.uniform(0, 640, (4, rows))
    return np.concatenate([places, rng.uniform(0, 0.04, (3, rows))]).astype(np.float32)


@pytest.mark.parametrize(
    ("layout", "predictor"),
    [("yolov8", "yolov8"), ("end-to-end", "yolov10"), ("rtdetr", "rtdetr"), ("rtdetr-sizes", "rtdetr")],
)
def test_a_registration_publishes_what_the_worker_comes_to(tmp_path, layout, predictor):
    path = save_export(tmp_path / "m.onnx", layout, batch="n")
    request = {"name": "mine", "predictor": predictor, "labels": LABELS}
    entry, _, told = register_model(path, request, clock=time.perf_counter)
    told = GoldenRun.model_validate_json(told.model_dump_json())
    session = open_session(path, providers=PROVIDERS["onnx-cpu"])
    runs = run_golden(session, entry.spec.preprocessing, time.perf_counter)
    names = [axis.name for axis in session.outputs]
    ours = golden_run(names, entry.spec, runs, provider="elsewhere", precision="float32")
    assert compare_runs(ours, told) < 1e-6
    assert ours.checksum == told.checksum
    assert len(told.inputs) == 3
    assert all(len(output.sampled) <= 256 for outputs in told.inputs for output in outputs)


def test_of_a_classifier_the_outputs_that_the_worker_reads_are_published(tmp_path):
    """A trial brings inner values out, of which only the features are kept."""
    path = colour_classifier(tmp_path / "m.onnx", softmax=True, embedding=False)
    request = {"name": "mine", "predictor": "classifier", "labels": LABELS}
    entry, _, told = register_model(path, request, clock=time.perf_counter)
    session = open_session(path, providers=PROVIDERS["onnx-cpu"], also=(entry.spec.embedding.output,))
    assert [output.name for output in told.inputs[0]] == [axis.name for axis in session.outputs]


def test_small_differences_are_measured_and_not_more():
    rng = np.random.default_rng(1)
    spec = stage_spec(size=640).model.spec
    theirs = table(rng)
    ours = theirs.copy()
    ours[:4] += 640 * 0.004
    far = compare_runs(published(golden(ours), spec), published(golden(theirs), spec))
    assert far == pytest.approx(0.004, rel=0.05)
    assert difference(NAMES, spec, golden(ours), golden(theirs)) == pytest.approx(0.004, rel=0.05)


def test_a_device_whose_scores_are_wrong_is_noticed_although_its_places_are_far_larger():
    spec = stage_spec(size=640).model.spec
    theirs = table(np.random.default_rng(2))
    theirs[4:] *= 20
    ours = theirs.copy()
    ours[4:] = 0
    assert compare_runs(published(golden(ours), spec), published(golden(theirs), spec)) > 0.9


def test_the_last_digits_of_scores_where_nothing_is_found_are_no_difference():
    spec = stage_spec(size=640).model.spec
    theirs = table(np.random.default_rng(3))
    theirs[4:] *= 1e-3
    ours = theirs.copy()
    ours[4:] *= 1.5
    assert compare_runs(published(golden(ours), spec), published(golden(theirs), spec)) < 0.001


def test_another_order_of_objects_is_no_difference_where_the_graph_sorts_them():
    rng = np.random.default_rng(4)
    first = rng.uniform(0, 90, (300, 2))
    rows = np.concatenate([first, first + 20, rng.uniform(0, 1, (300, 1)), rng.integers(0, 3, (300, 1))], axis=1)
    spec = stage_spec(predictor="yolov10", size=128).model.spec
    theirs = published(golden(rows), spec)
    assert compare_runs(published(golden(rng.permutation(rows)), spec), theirs) < 1e-6
    wrong = rows.copy()
    wrong[:, :4] += 12
    assert compare_runs(published(golden(wrong), spec), theirs) > 0.05


def test_other_outputs_are_infinitely_far():
    spec = stage_spec(
        kind=ModelKind.CLASSIFICATION,
        predictor="classifier",
        activation="softmax",
        embedding=EmbeddingOutput(output="output", dimension=3),
    ).model.spec
    theirs = published(golden([1, 2, 3], [1, 2, 3]), spec)
    assert math.isinf(compare_runs(published(golden([1, 2, 3]), spec), theirs))
    assert math.isinf(compare_runs(published(golden([1, 2], [1, 2]), spec), theirs))
    other = golden_run(["else"], spec, golden([1, 2, 3], [1, 2, 3]), provider="x", precision="float32")
    assert math.isinf(compare_runs(other, theirs))


def test_what_is_not_a_number_is_far_from_every_number():
    spec = stage_spec(kind=ModelKind.CLASSIFICATION, predictor="classifier").model.spec
    theirs = golden([1, 2, 3])
    assert difference(NAMES, spec, golden([1, math.nan, 3]), theirs) > 1e6
    assert compare_runs(published(golden([1, math.nan, 3]), spec), published(theirs, spec)) > 0.5


@pytest.mark.parametrize(
    "entry", [one for one in read_manifest() if (one.name, one.version) in PROOFS], ids=lambda one: one.name
)
def test_the_shipped_weights_answer_as_the_manifest_says(entry):
    weights = Path(__file__).parents[3] / "models" / "weights" / entry.sources[0].file_name
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    session = open_session(weights, providers=PROVIDERS["onnx-cpu"], also=also)
    runs = run_golden(session, entry.spec.preprocessing, time.perf_counter)
    names = [axis.name for axis in session.outputs]
    ours = golden_run(names, entry.spec, runs, provider=session.provider, precision=session.precision)
    assert compare_runs(ours, PROOFS[entry.name, entry.version]) < 1e-3
