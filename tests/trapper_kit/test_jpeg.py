"""What counts as damage is the same in Expert and Worker."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.support.make.spoiled_jpegs import DAMAGED, END, WHOLE, photos
from trapper_kit.jpeg import decode_jpeg


def saved(image: Image.Image, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **how)
    return out.getvalue()


@pytest.fixture(scope="module", params=["baseline", "progressive", "restart markers", "grey"])
def files(request) -> list[bytes]:
    """Three photos in each form that cameras write."""
    if request.param == "baseline":
        return photos()
    images = [Image.open(io.BytesIO(data)) for data in photos()]
    if request.param == "grey":
        return [saved(image.convert("L"), quality=92) for image in images]
    how = {"progressive": True} if request.param == "progressive" else {"restart_marker_rows": 4}
    return [saved(image, quality=92, **how) for image in images]


@pytest.mark.parametrize("size", [0, 1], ids=["full size", "an eighth"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_picture_of_which_part_is_lost_is_damaged(files, name, size):
    for data in files:
        jpeg = decode_jpeg(DAMAGED[name](data), min_width=size, min_height=size)
        assert jpeg.is_damaged
        assert jpeg.pixels.shape[:2] == ((960, 1280) if size == 0 else (120, 160))


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_of_which_nothing_is_lost_is_whole(name):
    for data in photos():
        jpeg = decode_jpeg(WHOLE[name](data))
        assert not jpeg.is_damaged
        assert np.array_equal(jpeg.pixels[:900], decode_jpeg(data).pixels[:900])


def test_a_cut_is_damage_from_one_percent_of_the_rows_on():
    rows = np.random.default_rng(1).integers(0, 256, (1600, 160, 3), dtype=np.uint8)
    data = saved(Image.fromarray(rows), quality=90)
    body = data.index(b"\xff\xda")
    cut = [data[: body + (len(data) - body) * part // 1000] for part in (995, 970)]
    assert [decode_jpeg(each).is_damaged for each in cut] == [False, True]
    assert decode_jpeg(cut[0] + END).is_damaged, "whether it was cut or spoiled inside cannot be told any more"


def test_what_is_no_jpeg_is_refused():
    with pytest.raises(ValueError, match="JPEG"):
        decode_jpeg(b"\xff\xd8\xff not a picture")
