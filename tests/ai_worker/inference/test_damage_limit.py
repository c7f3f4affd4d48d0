"""How much of a photo may be lost before it counts as damaged is one setting of decoder, Expert and Worker."""

import time

import pytest

from ai_worker.inference.batch_run import Limits
from ai_worker.inference.decode import decode_opened, open_picture
from ai_worker.inference.pipeline import look
from ai_worker.inference.types import PictureResult
from expert.resources.read_picture import PictureFacts, read_picture
from tests.support.make.inference import detector
from tests.support.make.spoiled_jpegs import photos
from tests.support.networks import colour_detector
from trapper_kit.jpeg import decode_jpeg

HALF = photos()[0][: len(photos()[0]) // 2]


@pytest.mark.parametrize(("max_lost", "is_damaged"), [(0.0, True), (0.3, True), (0.9, False), (1.0, False)])
def test_half_a_photo_is_damaged_below_the_limit(max_lost: float, is_damaged: bool) -> None:
    assert decode_jpeg(HALF, max_lost=max_lost).is_damaged == is_damaged
    assert decode_opened(open_picture(HALF, max_pixels=10**8), max_lost=max_lost).damaged == is_damaged
    facts = read_picture(HALF, max_pixels=10**8, thumbnail_pixels=320, max_lost=max_lost)
    assert isinstance(facts, PictureFacts)
    assert facts.is_damaged == is_damaged


def test_the_limit_reaches_the_pipeline(tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = detector(colour_detector(tmp_path_factory.mktemp("models") / "m.onnx"))
    for max_lost, is_damaged in ((0.3, True), (0.9, False)):
        (result,) = look([HALF], [stage], Limits(max_lost=max_lost), clock=time.perf_counter).outcomes
        assert isinstance(result, PictureResult)
        assert result.damaged == is_damaged
