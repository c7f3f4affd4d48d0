"""What is read from pictures, also from those that make trouble."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.sniff import NoPicture
from expert.resources.state import ResourceKind
from tests.support.make import bad_pictures as make
from tests.support.make.spoiled_jpegs import DAMAGED, WHOLE, photos
from trapper_schemas.v1.results import FailureCode


def read(data: bytes) -> PictureFacts | NoPicture:
    return read_picture(data, max_pixels=100_000_000, thumbnail_pixels=320)


def facts(data: bytes) -> PictureFacts:
    found = read(data)
    assert isinstance(found, PictureFacts), found
    return found


def refused(data: bytes) -> NoPicture:
    found = read(data)
    assert isinstance(found, NoPicture), found
    return found


def thumbnail(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(facts(data).thumbnail))
    image.load()
    return image


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("GIF", "image/gif"),
    ],
)
def test_every_format_is_read_alike(kind: str, media_type: str):
    found = facts(make.encoded(make.scene(640, 480), kind))
    assert (found.media_type, found.width, found.height, found.is_damaged) == (media_type, 640, 480, False)
    assert thumbnail(make.encoded(make.scene(640, 480), kind)).size == (320, 240)


def test_a_picture_of_several_is_read_as_its_first():
    data = make.encoded(make.scene(), "MPO", save_all=True, append_images=[make.scene()])
    assert (facts(data).media_type, facts(data).width) == ("image/jpeg", 640)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA"])
def test_other_colours_become_a_thumbnail(mode: str):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = thumbnail(make.encoded(make.scene(mode=mode), kind))
    assert image.mode == "RGB"


def test_a_cmyk_jpeg_is_read():
    assert facts(make.encoded(make.scene(mode="CMYK"))).width == 640


def test_sixteen_bits_keep_their_brightness():
    columns = np.asarray(thumbnail(make.sixteen_bit()).convert("L")).mean(axis=0)
    assert columns[5] < 20
    assert 110 < columns[160] < 145
    assert columns[-5] > 235


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_and_thumbnail_are_those_of_the_upright_picture(orientation: int):
    data = make.with_exif({0x0112: orientation})
    found = facts(data)
    sideways = orientation >= 5
    assert (found.width, found.height) == ((480, 640) if sideways else (640, 480))
    grey = np.asarray(thumbnail(data).convert("L"), dtype=float)
    left_is_dark = orientation in {1, 4}
    right_is_dark = orientation in {2, 3}
    top_is_dark = orientation in {5, 6}
    assert (grey[:, 5].mean() < 40) == left_is_dark
    assert (grey[:, -5].mean() < 40) == right_is_dark
    if sideways:
        assert (grey[5].mean() < 40) == top_is_dark


def test_a_truncated_jpeg_is_described_as_far_as_it_goes():
    found = facts(make.truncated())
    assert (found.width, found.height, found.is_damaged) == (640, 480, True)


@pytest.mark.parametrize("spoil", DAMAGED.values(), ids=DAMAGED)
def test_a_jpeg_of_which_part_is_lost_is_damaged(spoil: Callable[[bytes], bytes]):
    for photo in photos():
        assert facts(spoil(photo)).is_damaged


def test_how_much_may_be_lost_is_a_setting():
    cut = photos()[0][: len(photos()[0]) // 2]
    limits = {limit: read_picture(cut, max_pixels=10**8, thumbnail_pixels=320, max_lost=limit) for limit in (0.3, 0.9)}
    assert {limit: isinstance(each, PictureFacts) and each.is_damaged for limit, each in limits.items()} == {
        0.3: True,
        0.9: False,
    }


@pytest.mark.parametrize("change", WHOLE.values(), ids=WHOLE)
def test_a_jpeg_of_which_nothing_is_lost_is_whole(change: Callable[[bytes], bytes]):
    for photo in photos():
        assert not facts(change(photo)).is_damaged


@pytest.mark.parametrize("data", [make.png_bomb(), make.jpeg_bomb()])
def test_a_bomb_is_refused_by_its_header(data: bytes):
    found = refused(data)
    assert found.code is FailureCode.TOO_MANY_PIXELS
    assert found.message == "the picture has 65000 x 65000 pixels, and at most 100000000 are decoded"


@pytest.mark.parametrize(
    ("data", "code", "sentence"),
    [
        (b"", FailureCode.EMPTY_FILE, "the file is empty"),
        (b"Dear sirs,\nplease find the photo attached.\n", FailureCode.UNDECODABLE, "the file is text, not a picture"),
        ("Grüße aus dem Wald ".encode() * 60, FailureCode.UNDECODABLE, "the file is text, not a picture"),
        (bytes(range(256)) * 4, FailureCode.UNDECODABLE, "the file is not a picture of a known format"),
        (make.mp4(), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (make.avi(), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (b"\x1aE\xdf\xa3" + bytes(50), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (b"\0\0\0\x18ftypheic" + bytes(50), FailureCode.UNSUPPORTED_MEDIA, "HEIC and AVIF pictures are not supported"),
        (b"RIFF\x24\0\0\0WAVEfmt ", FailureCode.UNSUPPORTED_MEDIA, "audio is stored, but not classified"),
        (b"<svg onload=alert(1)>", FailureCode.UNDECODABLE, "the file is text, not a picture"),
    ],
)
def test_what_is_no_picture_says_so_in_one_plain_sentence(data: bytes, code: FailureCode, sentence: str):
    found = refused(data)
    assert (found.code, found.message) == (code, sentence)


def test_a_clip_is_known_as_a_video():
    found = refused(make.mp4())
    assert (found.kind, found.media_type) == (ResourceKind.VIDEO, "video/mp4")


def test_a_truncated_png_is_undecodable():
    data = make.encoded(make.scene(), "PNG")
    assert refused(data[: len(data) // 2]).code is FailureCode.UNDECODABLE


def test_a_jpeg_that_is_only_a_header_never_raises():
    data = make.encoded()
    for length in (3, 20, 200, 400):
        found = read(data[:length])
        assert isinstance(found, PictureFacts | NoPicture)


def test_exif_is_named_bounded_and_clean():
    data = make.with_exif(
        {0x010F: "Recon\x00yx", 0x0110: "a" * 5000, 0x010E: "\ud800 lone", 0x013B: b"\xff\xfe\x00\x01"},
        sub={0x9003: "2023:06:01 10:11:12", 0x829A: (1, 0), 0x927C: b"\x00" * 3000},
    )
    exif = facts(data).exif
    assert exif["DateTimeOriginal"] == "2023:06:01 10:11:12"
    assert "MakerNote" not in exif
    assert len(exif["Model"]) == 500
    text = str(exif)
    assert "\x00" not in text
    assert not any(0xD800 <= ord(sign) < 0xE000 for sign in text)


def test_broken_exif_is_as_if_there_were_none():
    data = bytearray(make.with_exif({0x010F: "Maker", 0x0112: 6}))
    at = data.index(b"Exif\x00\x00") + 6
    data[at + 4 : at + 8] = b"\xff\xff\xff\x7f"
    found = facts(bytes(data))
    assert (found.width, found.height) == (640, 480)
