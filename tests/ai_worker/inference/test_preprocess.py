import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ai_worker.inference.preprocess import crop_box, to_input
from ai_worker.inference.types import Boxes
from tests.ai_worker.inference import reference
from trapper_schemas.v1.models import Preprocessing


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def how(**more):
    return Preprocessing(**({"width": 32, "height": 32, "scale": 1.0} | more))


@pytest.mark.parametrize(("width", "height"), [(50, 30), (30, 50), (20, 11), (64, 64), (333, 200)])
def test_letterboxing_equals_the_reference_resize_within_one_level(width, height):
    picture = noise(width, height)
    tensor, mapping = to_input(picture, how())
    ratio = min(32 / width, 32 / height)
    new_width, new_height = round(width * ratio), round(height * ratio)
    left, top = round((32 - new_width) / 2 - 0.1), round((32 - new_height) / 2 - 0.1)
    expected = np.full((32, 32, 3), 114.0)
    expected[top : top + new_height, left : left + new_width] = reference.bilinear(picture, new_width, new_height)
    assert np.abs(tensor.transpose(1, 2, 0) - expected).max() <= 0.5 + 1e-3
    assert (mapping.left, mapping.top) == (left, top)


def test_top_left_letterboxing_pads_only_right_and_below():
    tensor, mapping = to_input(np.zeros((30, 60, 3), np.uint8), how(resize="letterbox-top-left"))
    assert (tensor[:, :16] == 0).all()
    assert (tensor[:, 16:] == 114).all()
    assert (mapping.left, mapping.top) == (0, 0)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_squashing_is_what_pillow_does(interpolation):
    picture = noise(90, 47)
    tensor, _ = to_input(picture, how(resize="squash", interpolation=interpolation))
    expected = Image.fromarray(picture).resize((32, 32), Image.Resampling[interpolation.upper()])
    assert (tensor.transpose(1, 2, 0) == np.asarray(expected)).all()


def test_cropping_takes_the_middle_of_the_longer_side():
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, 32:64] = 200
    tensor, _ = to_input(picture, how(resize="crop"))
    assert (tensor == 200).all()


def test_nearest_letterboxing_invents_no_colour():
    tensor, _ = to_input(noise(70, 70), how(interpolation="nearest"))
    assert set(np.unique(tensor)) <= set(range(256))


def test_bicubic_letterboxing_is_pillows():
    picture = noise(64, 64)
    expected = Image.fromarray(picture).resize((32, 32), Image.Resampling.BICUBIC)
    tensor, _ = to_input(picture, how(interpolation="bicubic"))
    assert (tensor.transpose(1, 2, 0) == np.asarray(expected)).all()


@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 500), (256, 256)])
def test_the_shorter_side_is_resized_before_the_middle_is_cut_out(width, height):
    picture = noise(width, height)
    tensor, mapping = to_input(picture, how(width=224, height=224, resize="crop", shortest_side=256))
    short = 256 / min(width, height)
    sides = (int(width * short), int(height * short))
    resized = np.asarray(Image.fromarray(picture).resize(sides, Image.Resampling.BILINEAR))
    left, top = round((sides[0] - 224) / 2), round((sides[1] - 224) / 2)
    assert np.abs(tensor.transpose(1, 2, 0) - resized[top : top + 224, left : left + 224]).max() <= 1
    assert (mapping.left, mapping.top) == (-left, -top)


def test_numbers_are_scaled_then_centred_then_divided():
    picture = np.full((32, 32, 3), (10, 20, 30), np.uint8)
    tensor, _ = to_input(picture, how(scale=0.1, mean=(0.5, 1.0, 1.5), std=(0.5, 0.25, 0.125)))
    assert tensor[:, 0, 0] == pytest.approx([1.0, 4.0, 12.0], abs=1e-5)


def test_blue_comes_first_when_the_model_wants_it():
    tensor, _ = to_input(np.full((32, 32, 3), (10, 20, 30), np.uint8), how(channels="bgr"))
    assert tensor[:, 0, 0].tolist() == [30, 20, 10]


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize(("layout", "shape"), [("nchw", (3, 32, 32)), ("nhwc", (32, 32, 3))])
def test_the_tensor_has_the_type_and_layout_of_the_model(dtype, layout, shape):
    tensor, _ = to_input(noise(40, 40), how(dtype=dtype, layout=layout))
    assert (tensor.dtype, tensor.shape) == (np.dtype(dtype), shape)


def test_whole_numbers_may_be_scaled_too():
    tensor, _ = to_input(np.full((32, 32, 3), 100, np.uint8), how(dtype="uint8", scale=0.5))
    assert (tensor == 50).all()


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.sampled_from(["letterbox", "letterbox-top-left", "squash", "crop"]),
    st.lists(st.tuples(*[st.floats(-50, 90)] * 4), min_size=1, max_size=5),
)
@settings(max_examples=120, deadline=None)
def test_boxes_never_leave_the_picture(width, height, resize, corners):
    _, mapping = to_input(np.zeros((height, width, 3), np.uint8), how(resize=resize))
    ordered = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
    boxes = Boxes(np.asarray(ordered, np.float32), np.zeros(len(ordered), np.int64), np.ones(len(ordered), np.float32))
    fractions = mapping.fractions(boxes)
    assert (fractions >= 0).all()
    assert (fractions[:, :2] + fractions[:, 2:] <= 1 + 1e-12).all()


@given(st.integers(20, 500), st.integers(20, 500), st.sampled_from(["letterbox", "letterbox-top-left", "squash"]))
@settings(max_examples=60, deadline=None)
def test_the_way_back_ends_where_it_began(width, height, resize):
    _, mapping = to_input(np.zeros((height, width, 3), np.uint8), how(resize=resize))
    box = np.asarray([0.25, 0.25, 0.75, 0.75]) * (width, height, width, height)
    scale, offset = np.asarray([mapping.scale_x, mapping.scale_y]), np.asarray([mapping.left, mapping.top])
    there = (box.reshape(2, 2) * scale + offset).reshape(4)
    back = mapping.fractions(Boxes(there[None].astype(np.float32), np.zeros(1, np.int64), np.ones(1, np.float32)))
    assert back[0] == pytest.approx([0.25, 0.25, 0.5, 0.5], abs=1e-5)


def test_a_crop_is_padded_and_squared_but_stays_inside():
    picture = noise(100, 50)
    crop = crop_box(picture, np.asarray([0.4, 0.4, 0.2, 0.2]), how(crop_padding=0.5, square_crop=True))
    assert crop.shape == (40, 40, 3)
    assert (crop == picture[5:45, 30:70]).all()


@pytest.mark.parametrize("box", [(0.999, 0.999, 0.001, 0.001), (0, 0, 0, 0), (0.5, 0.5, 0, 0.3)])
def test_even_a_speck_gives_a_crop(box):
    crop = crop_box(noise(100, 50), np.asarray(box, float), how())
    assert min(crop.shape[:2]) >= 2
