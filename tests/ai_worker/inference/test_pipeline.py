"""The whole way of a batch, with networks whose answers can be read off the pictures."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_worker.inference import steps
from ai_worker.inference.batch_run import Limits
from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.pipeline import Pipeline, look
from ai_worker.inference.steps import Steps
from ai_worker.inference.types import Failure, OpenStage, PictureResult
from tests.support.make.inference import classifier, detector, encoded, painted
from tests.support.networks import colour_classifier, colour_detector
from trapper_schemas.v1.results import FailureCode

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return (
        detector(colour_detector(folder / "detector.onnx")),
        classifier(colour_classifier(folder / "classifier.onnx")),
    )


def run(sources, stages, **limits):
    return look(sources, stages, Limits(**limits), clock=time.perf_counter)


def test_an_animal_is_found_classified_and_measured(stages):
    looks = run([encoded(painted([(1, 2, RED)]))], stages)
    (outcome,) = looks.outcomes
    assert isinstance(outcome, PictureResult)
    assert (outcome.width, outcome.height) == (128, 128)
    assert outcome.detections.boxes.tolist() == [[0.25, 0.5, 0.25, 0.25]]
    assert outcome.detections.labels.tolist() == [0]
    assert outcome.detections.scores[0] == pytest.approx(1)
    assert outcome.classified.rows.tolist() == [0]
    assert outcome.classified.top_labels[0, :3].tolist() == [0, 1, 2]
    assert outcome.classified.top_scores[0, 0] == pytest.approx(1, abs=0.01)
    assert outcome.classified.features.shape == (1, 3)
    assert outcome.classified.logits.shape == (1, 3)
    assert len(looks.seconds) == 2


def test_every_animal_is_classified_and_nothing_else(stages):
    picture = painted([(0, 0, RED), (3, 3, RED), (1, 1, GREEN), (2, 2, BLUE), (3, 0, (40, 0, 0))])
    (outcome,) = run([encoded(picture)], stages).outcomes
    assert sorted(outcome.detections.labels.tolist()) == [0, 0, 0, 1, 2]
    animals = [row for row, label in enumerate(outcome.detections.labels) if label == 0]
    faint = int(np.argmin(outcome.detections.scores))
    assert outcome.classified.rows.tolist() == sorted(set(animals) - {faint})
    assert outcome.detections.scores[faint] == pytest.approx(40 / 255, abs=1e-3)  # kept, though below the threshold


def test_the_job_decides_what_is_kept_and_what_is_classified(stages):
    found, later = stages
    stage = found.spec.stage.model_copy(update={"threshold": 0.1, "floor": 0.2})
    asked = OpenStage(found.spec.model_copy(update={"stage": stage}), found.session)
    picture = painted([(0, 0, RED), (1, 1, (60, 0, 0)), (2, 2, (40, 0, 0))])
    (outcome,) = run([encoded(picture)], (asked, later)).outcomes
    assert len(outcome.detections) == 2
    assert len(outcome.classified.rows) == 2


def test_one_bad_photo_never_kills_the_batch(stages):
    good = encoded(painted([(0, 0, RED)]))

    def vanished():
        raise OSError("gone")

    unreachable = Failure(FailureCode.MEDIA_UNREACHABLE, "the network said no")
    sources = [good, b"", b"text", unreachable, vanished, lambda: good, lambda: unreachable, good]
    outcomes = run(sources, stages).outcomes
    assert [type(outcome) for outcome in outcomes] == [
        PictureResult,
        *[Failure] * 4,
        PictureResult,
        Failure,
        PictureResult,
    ]
    assert outcomes[1].code is FailureCode.EMPTY_FILE
    assert outcomes[3] == outcomes[6] == unreachable
    assert outcomes[4].code is FailureCode.INFERENCE_FAILED


def test_an_empty_batch_has_no_outcomes(stages):
    assert run([], stages).outcomes == []


class Awkward:
    """A session that fails as soon as one of the pictures is mostly green."""

    def __init__(self, session, *, answer=None):
        self._session = session
        self.input, self.outputs = session.input, session.outputs
        self.answer = answer
        self.calls = 0

    def run(self, tensor):
        self.calls += 1
        bad = tensor[:, 1].mean(axis=(1, 2)) > 0.5
        if bad.any() and self.answer is None:
            raise RuntimeError("the kernel did not like it\nat line 3")
        outputs = self._session.run(tensor)
        if bad.any():
            outputs[0][np.flatnonzero(bad)] = self.answer
        return outputs


@pytest.mark.parametrize(("batch_size", "in_a_row"), [(1, 1), (4, 1), (1, 4)])
@pytest.mark.parametrize(("answer", "code"), [(None, FailureCode.INFERENCE_FAILED), (np.nan, FailureCode.MODEL_OUTPUT)])
def test_only_the_picture_that_breaks_the_model_fails(stages, batch_size, in_a_row, answer, code):
    found, later = stages
    awkward = OpenStage(found.spec, Awkward(found.session, answer=answer))
    good = encoded(painted([(0, 0, RED)]))
    green = encoded(np.full((128, 128, 3), GREEN, np.uint8))
    how = {"batch_size": batch_size, "in_a_row": in_a_row}
    outcomes = run([good, green, good, good, good], (awkward, later), **how).outcomes
    assert [isinstance(outcome, PictureResult) for outcome in outcomes] == [True, False, True, True, True]
    assert outcomes[1].code is code
    assert "\n" not in outcomes[1].message


def test_only_the_picture_whose_crop_breaks_the_classifier_fails(stages):
    found, later = stages
    awkward = OpenStage(later.spec, Awkward(later.session))
    red = encoded(painted([(0, 0, RED), (2, 2, RED)]))
    yellow = encoded(painted([(0, 0, (255, 255, 0)), (2, 2, (255, 255, 0))]))
    outcomes = run([red, yellow, red], (found, awkward)).outcomes
    assert [isinstance(outcome, PictureResult) for outcome in outcomes] == [True, False, True]
    assert len(outcomes[2].classified.rows) == 2


def as_plain(outcome):
    classified = outcome.classified
    return (
        outcome.detections.boxes.round(6).tolist(),
        outcome.detections.labels.tolist(),
        outcome.detections.scores.round(5).tolist(),
        None if classified is None else (classified.rows.tolist(), classified.logits.round(3).tolist()),
    )


squares = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([RED, GREEN, BLUE, (200, 40, 0)])), max_size=6
)


@given(
    st.lists(squares, min_size=1, max_size=7), st.randoms(use_true_random=False), st.integers(1, 5), st.integers(1, 3)
)
@settings(max_examples=25, deadline=None)
def test_order_and_company_change_nothing(stages, pictures, random, batch_size, in_a_row):
    data = [encoded(painted(picture)) for picture in pictures]
    alone = [as_plain(run([one], stages, threads=1).outcomes[0]) for one in data]
    order = list(range(len(data)))
    random.shuffle(order)
    how = {"threads": 3, "batch_size": batch_size, "in_a_row": in_a_row, "crop_batch_size": 3}
    together = run([data[index] for index in order], stages, **how)
    assert [as_plain(outcome) for outcome in together.outcomes] == [alone[index] for index in order]


def test_pictures_on_their_way_stay_within_the_budget(stages):
    picture = encoded(painted([(0, 0, RED)], width=512, height=512))
    held, most, lock = 0, 0, threading.Lock()

    def opened():
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        return picture

    def finished(_done):
        nonlocal held
        held -= 1

    looks = look(
        [opened] * 40,
        stages,
        Limits(threads=2, batch_size=16, crop_batch_size=64, pixel_budget_bytes=3 * 512 * 512 * 3),
        clock=time.perf_counter,
        on_progress=finished,
    )
    assert len(looks.outcomes) == 40
    assert most <= 3 + 2  # what the budget holds, and one more in the hands of each thread


def test_a_file_that_takes_one_picture_at_a_time_gets_one_at_a_time(tmp_path):
    stage = detector(colour_detector(tmp_path / "one.onnx", batch=1))
    data = [encoded(painted([(column, 0, RED)])) for column in range(4)]
    outcomes = run(data, (stage,), batch_size=4).outcomes
    assert [outcome.detections.boxes[0, 0] for outcome in outcomes] == [0, 0.25, 0.5, 0.75]


def test_a_file_that_takes_three_at_once_gets_three(tmp_path):
    stage = detector(colour_detector(tmp_path / "three.onnx", batch=3))
    data = [encoded(painted([(column, 0, RED)])) for column in range(4)]
    outcomes = run(data, (stage,), batch_size=4).outcomes
    assert [outcome.detections.boxes[0, 0] for outcome in outcomes] == [0, 0.25, 0.5, 0.75]


class Watched:
    """A session that calls somebody before each pass."""

    def __init__(self, session, before):
        self._session = session
        self.input, self.outputs = session.input, session.outputs
        self.before = before

    def run(self, tensor):
        self.before(tensor)
        return self._session.run(tensor)


def test_passes_in_a_row_take_as_many_pictures_each_as_any_other(stages):
    (found, _), sizes = stages, []
    stage = OpenStage(found.spec, Watched(found.session, lambda tensor: sizes.append(len(tensor))))
    data = [encoded(painted([(column, 0, RED)])) for column in (0, 1, 2, 3, 0)]
    outcomes = run(data, (stage,), threads=1, batch_size=2, in_a_row=2).outcomes
    assert [outcome.detections.boxes[0, 0] for outcome in outcomes] == [0, 0.25, 0.5, 0.75, 0]
    assert sizes == [2, 2, 1]


def test_the_last_pictures_are_shared_out_among_the_threads(stages):
    found, _ = stages
    both = threading.Barrier(2, timeout=30)  # no thread gets through its passes alone
    stage = OpenStage(found.spec, Watched(found.session, lambda _: both.wait()))
    outcomes = run([encoded(painted([(1, 1, RED)]))] * 4, (stage,), threads=2, in_a_row=8).outcomes
    assert [outcome.detections.boxes[0, 0] for outcome in outcomes] == [0.25] * 4


def test_progress_counts_every_outcome_once(stages):
    heard = []
    look([b"", encoded(painted())] * 3, stages, Limits(), clock=time.perf_counter, on_progress=heard.append)
    assert heard == [1, 2, 3, 4, 5, 6]


def test_an_accelerator_runs_one_pass_at_a_time(stages):
    found, later = stages
    running, most = 0, 0

    class Counting:
        input, outputs = found.session.input, found.session.outputs

        def run(self, tensor):
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.002)
            running -= 1
            return found.session.run(tensor)

    stage = OpenStage(found.spec, Counting())
    run([encoded(painted())] * 12, (stage, later), threads=4, forward_passes=1, batch_size=2)
    assert most == 1


def test_a_defect_of_ours_is_raised_and_nobody_waits_for_ever(stages):
    def broken(_done):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look([b""] * 4, stages, Limits(threads=3), clock=time.perf_counter, on_progress=broken)


def test_a_jpeg_is_scaled_while_it_is_decoded_only_where_nothing_can_be_lost(stages):
    found, later = stages
    squash = detector_with(found, resize="squash")
    assert Steps((squash,), 10**8, time.perf_counter).fit == (256, 256)
    assert Steps((squash, later), 10**8, time.perf_counter).fit is None  # crops need the full picture
    assert Steps((found,), 10**8, time.perf_counter).fit is None  # the reference sees every pixel
    picture = encoded(painted([(0, 0, RED)], width=1024, height=1024, cell=256), "JPEG", quality=95)
    (outcome,) = run([picture], (squash,)).outcomes
    assert (outcome.width, outcome.height) == (1024, 1024)
    assert outcome.detections.boxes[0].tolist() == [0, 0, 0.25, 0.25]
    assert outcome.detections.scores[0] == pytest.approx(1, abs=0.02)


def detector_with(stage, **how):
    model = stage.spec.model
    preprocessing = model.spec.preprocessing.model_copy(update=how)
    spec = model.spec.model_copy(update={"preprocessing": preprocessing})
    return OpenStage(stage.spec.model_copy(update={"model": model.model_copy(update={"spec": spec})}), stage.session)


def test_two_batches_on_one_belt_each_get_their_own(stages):
    found, _ = stages
    inside, go_on = threading.Event(), threading.Event()

    def held_up():
        inside.set()
        go_on.wait(30)
        return encoded(painted([(1, 1, RED)]))

    first, second = [], []
    with Pipeline(Limits(threads=2), clock=time.perf_counter) as pipeline:
        one = threading.Thread(target=lambda: first.append(pipeline.look([held_up], stages)))
        one.start()
        assert inside.wait(30)
        # the first batch's last picture is on its way, and the other core works on the next batch meanwhile
        second.append(pipeline.look([encoded(painted([(2, 2, RED)]))] * 3, (found,)))
        go_on.set()
        one.join()
    assert [outcome.detections.boxes[0, 0] for outcome in second[0].outcomes] == [0.5] * 3
    assert first[0].outcomes[0].detections.boxes[0, 0] == 0.25
    assert first[0].outcomes[0].classified.rows.tolist() == [0]
    assert (len(first[0].seconds), len(second[0].seconds)) == (2, 1)


def test_a_defect_in_one_batch_ends_no_other(stages):
    def broken(_done):
        raise ZeroDivisionError

    with Pipeline(Limits(threads=2), clock=time.perf_counter) as pipeline:
        with pytest.raises(ZeroDivisionError):
            pipeline.look([encoded(painted())] * 3, stages, broken)
        assert len(pipeline.look([encoded(painted())] * 3, stages).outcomes) == 3


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_budget_holds_before_a_picture_is_decoded(stages, form, monkeypatch):
    data = encoded(painted([(0, 0, RED)], width=1024, height=1024), form)
    now, most, lock = 0, 0, threading.Lock()
    real = steps.decode_opened

    def counted(*given, **how):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            return real(*given, **how)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(steps, "decode_opened", counted)
    outcomes = run([data] * 8, stages, threads=4, pixel_budget_bytes=1024 * 1024).outcomes
    assert len(outcomes) == 8
    assert most == 1  # each alone is larger than the budget, and none waits for ever


def test_a_tensor_never_shares_memory_with_pixels_that_are_used_again(tmp_path):
    stage = detector(colour_detector(tmp_path / "m.onnx"))
    raw = detector_with(stage, dtype="uint8", layout="nhwc", scale=1.0)
    taken = Steps((raw,), 10**8, time.perf_counter, BufferPool(10**8))
    items = []
    for colour in (RED, GREEN):
        unread = taken.open(0, encoded(np.full((128, 128, 3), colour, np.uint8), "JPEG", quality=95))
        items.append(taken.decode(unread))
    assert items[0].tensor[64, 64, 0] > 200
    assert items[1].tensor[64, 64, 1] > 200
