import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from ai_worker.inference.decode import Undecodable, decode
from tests.support.make.inference import encoded
from tests.support.make.spoiled_jpegs import DAMAGED, WHOLE, photos
from trapper_schemas.v1.results import FailureCode


def scene(width=64, height=48):
    """Smooth, so that lossy formats stay near it, and different in every corner."""
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)
    return np.stack(
        [x[None, :] + 0 * y[:, None], 0 * x[None, :] + y[:, None], (x[None, :] + y[:, None]) / 2], axis=2
    ).astype(np.uint8)


def difference(first, second):
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "JPEG", "WEBP"])
def test_every_format_gives_the_same_picture(form):
    how = {"quality": 95} if form in ("JPEG", "WEBP") else {}
    picture = decode(encoded(scene(), form, **how))
    assert (picture.width, picture.height, picture.damaged) == (64, 48, False)
    assert difference(picture.pixels, scene()) < (3 if how else 1e-9)


def test_a_gif_gives_its_first_frame():
    out = io.BytesIO()
    first, second = Image.new("RGB", (20, 10), (250, 0, 0)), Image.new("RGB", (20, 10), (0, 0, 250))
    first.save(out, format="GIF", save_all=True, append_images=[second])
    assert decode(out.getvalue()).pixels[0, 0].tolist() == [250, 0, 0]


def test_an_mpo_gives_its_first_picture():
    out = io.BytesIO()
    Image.fromarray(scene()).save(
        out, format="MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))], quality=95
    )
    assert difference(decode(out.getvalue()).pixels, scene()) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_once(orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    how = {"quality": 95} if form in ("JPEG", "WEBP") else {}
    data = encoded(scene(), form, exif=exif, **how)
    plain = Image.fromarray(scene())
    plain.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(plain))
    picture = decode(data)
    assert (picture.height, picture.width) == expected.shape[:2]
    assert difference(picture.pixels, expected) < 3


def test_a_scaled_jpeg_keeps_the_upright_size_of_the_file():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(scene(640, 320), "JPEG", exif=exif, quality=95)
    picture = decode(data, fit=(50, 100))
    assert (picture.width, picture.height) == (320, 640)
    assert picture.pixels.shape[0] == 2 * picture.pixels.shape[1]
    assert 100 <= picture.pixels.shape[0] <= 320
    assert difference(picture.pixels[0, 0], decode(data).pixels[0, 0]) < 8


def test_nothing_is_scaled_below_what_is_wanted():
    picture = decode(encoded(scene(640, 480), "JPEG"), fit=(640, 100))
    assert picture.pixels.shape == (480, 640, 3)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_inks_become_light(form):
    inks = Image.fromarray(scene()).convert("CMYK")
    out = io.BytesIO()
    inks.save(out, format=form, **({"quality": 95} if form == "JPEG" else {}))
    assert difference(decode(out.getvalue()).pixels, np.asarray(inks.convert("RGB"))) < 4


def test_inks_that_are_not_inverted_become_light_too():
    """Without Adobe's mark the inks of a JPEG are as they are; the mark is cut out of a file that has it."""
    inks = Image.fromarray(scene()).convert("CMYK")
    out = io.BytesIO()
    Image.frombytes("CMYK", (64, 48), (255 - np.asarray(inks)).tobytes()).save(out, format="JPEG", quality=95)
    data = out.getvalue()
    at = data.index(b"\xff\xee")
    (length,) = struct.unpack(">H", data[at + 2 : at + 4])
    plain = data[:at] + data[at + 2 + length :]
    assert difference(decode(plain).pixels, np.asarray(inks.convert("RGB"))) < 4


def test_a_grey_jpeg_has_three_equal_channels():
    picture = decode(encoded(scene()[:, :, 0], "JPEG"))
    assert picture.pixels.shape == (48, 64, 3)
    assert (picture.pixels[:, :, 0] == picture.pixels[:, :, 2]).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_brightness(form):
    grey = (scene()[:, :, 0].astype(np.uint16)) * 257
    assert difference(decode(encoded(grey, form)).pixels[:, :, 1], scene()[:, :, 0]) < 0.5


def test_a_dark_sixteen_bit_picture_stays_dark():
    assert decode(encoded(np.full((8, 8), 2570, np.uint16))).pixels.max() == 10


@pytest.mark.parametrize(("values", "expected"), [(0.5, 128), (100.0, 100), (25700.0, 100), (1e9, 255)])
def test_numbers_with_a_point_are_brought_to_eight_bits(values, expected):
    assert decode(encoded(np.full((8, 8), values, np.float32), "TIFF")).pixels[0, 0, 0] == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_palettes_and_alpha_give_colours(mode):
    image = Image.fromarray(scene()).convert(mode)
    out = io.BytesIO()
    image.save(out, format="PNG")
    picture = decode(out.getvalue())
    assert picture.pixels.shape == (48, 64, 3)
    assert difference(picture.pixels, np.asarray(image.convert("RGB"))) == 0


def test_sixteen_bit_colour_png_is_read():
    rows = b"".join(b"\0" + struct.pack(">3H", 65535, 32768, 0) * 4 for _ in range(4))
    data = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    assert decode(data).pixels[0, 0].tolist() == [255, 128, 0]


def test_a_truncated_jpeg_is_decoded_as_far_as_it_goes():
    data = encoded(scene(640, 480), "JPEG", quality=90)
    picture = decode(data[: len(data) * 2 // 3])
    assert picture.damaged
    assert (picture.width, picture.height) == (640, 480)
    assert difference(picture.pixels[:100], scene(640, 480)[:100]) < 3


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_a_spoiled_jpeg_is_damaged(name, mode):
    out = io.BytesIO()
    Image.open(io.BytesIO(photos()[0])).convert(mode).save(out, "JPEG", quality=92)
    picture = decode(DAMAGED[name](out.getvalue()))
    assert picture.damaged
    assert (picture.width, picture.height) == (1280, 960)


@pytest.mark.parametrize("name", WHOLE)
def test_a_jpeg_that_is_only_odd_is_not_damaged(name):
    assert not decode(WHOLE[name](photos()[0])).damaged


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


@pytest.mark.parametrize(
    ("data", "code", "sentence"),
    [
        (b"", FailureCode.EMPTY_FILE, "the file is empty"),
        (b"Dear diary,\nno animals today.", FailureCode.UNDECODABLE, "the file is text, not a picture"),
        ("Ich sah Rotwild, und zwar für Stunden.".encode()[:512], FailureCode.UNDECODABLE, "the file is text"),
        (("ä" * 600).encode(), FailureCode.UNDECODABLE, "the file is text"),
        (bytes(range(256)), FailureCode.UNDECODABLE, "not a picture of a known format"),
        (b"\0\0\0\x20ftypisom" + bytes(40), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(40), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (b"\x1aE\xdf\xa3" + bytes(40), FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet"),
        (b"\0\0\0\x20ftypheic" + bytes(40), FailureCode.UNSUPPORTED_MEDIA, "HEIC"),
        (png_header(65000, 65000), FailureCode.TOO_MANY_PIXELS, "65000 x 65000 pixels"),
        (encoded(scene())[:200], FailureCode.UNDECODABLE, "cannot be decoded"),
        (encoded(scene(), "JPEG")[:150], FailureCode.UNDECODABLE, "cannot be decoded"),
        (b"\xff\xd8\xff\xe0" + bytes(100), FailureCode.UNDECODABLE, "not a picture of a known format"),
    ],
)
def test_what_is_no_picture_fails_with_a_sentence(data, code, sentence):
    with pytest.raises(Undecodable, match=sentence) as caught:
        decode(data)
    assert caught.value.code is code
    assert "\n" not in str(caught.value)


def test_the_limit_is_read_from_the_header_of_a_jpeg_too():
    data = encoded(scene(640, 480), "JPEG")
    with pytest.raises(Undecodable) as caught:
        decode(data, max_pixels=1000)
    assert caught.value.code is FailureCode.TOO_MANY_PIXELS


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_hurt():
    data = encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(30), quality=95)
    assert difference(decode(data).pixels, scene()) < 3


def test_the_extension_of_the_format_does_not_matter_to_bytes():
    assert decode(encoded(scene(), "PNG")).pixels.flags.c_contiguous
