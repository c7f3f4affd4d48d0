"""A folder of everything that photos and their names can be wrong in, and beside each what has to come of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.main_job.trapper import SAMPLE
from tests.support.make.bad_pictures import encoded, mp4, png_bomb

DEER = SAMPLE / "forest-edge" / "IMG_0001.JPG"
TURNED_FOR_6 = Image.Transpose.ROTATE_90
CUT_OFF = "cut off.jpg"
NAMES = [
    b"new\nline.jpg",
    b'quote\'s "double".jpg',
    "\N{DEER} emoji.jpg".encode(),
    b"caf\xe9 \xff\xfe.jpg",
    b"-rf.jpg",
    b"--help.jpg",
    b"back\\slash %s {0} $HOME `id`.jpg",
    b" spaces .jpg",
    b"<b>html&amp;.jpg",
    b"n" * 196 + b".jpg",
]


def as_wide_grey(picture: Image.Image) -> bytes:
    """16 bits of grey with the same brightness."""
    grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def turned(picture: Image.Image) -> bytes:
    """Lies on its side, and says by its orientation 6 how to hold it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture.transpose(TURNED_FOR_6), exif=exif, quality=95)


GOOD: dict[str, Callable[[Image.Image], bytes]] = {
    "plain.jpg": lambda picture: encoded(picture, quality=95),
    "cmyk.jpg": lambda picture: encoded(picture.convert("CMYK"), quality=95),
    "turned.jpg": turned,
    "grey.png": lambda picture: encoded(picture.convert("L"), "PNG"),
    "wide-grey.png": as_wide_grey,
    "a png named.jpg": lambda picture: encoded(picture, "PNG"),
    "a jpeg without ending": lambda picture: encoded(picture, quality=94),
    "photo.webp": lambda picture: encoded(picture, "WEBP", quality=95),
    "photo.bmp": lambda picture: encoded(picture, "BMP"),
    "photo.tif": lambda picture: encoded(picture, "TIFF"),
    "photo.gif": lambda picture: encoded(picture.quantize(), "GIF"),
}


def bad() -> dict[str, bytes]:
    """Files of which nothing can be told but why."""
    whole = encoded(Image.open(DEER), "PNG")
    return {
        "truncated.png": whole[: len(whole) // 2],
        "empty.jpg": b"",
        "text.jpg": b"This is no picture.\n",
        "bomb.png": png_bomb(),
        "clip.mp4": mp4(),
        "random.jpg": np.random.default_rng(1).bytes(5000),
    }


def lay_out(root: Path, *, closed: bool) -> list[str]:
    """Fills the folder; the paths of all media in it, as they have to be listed."""
    (root / "kinds").mkdir(parents=True)
    picture = Image.open(DEER)
    for name, make in GOOD.items():
        (root / "kinds" / name).write_bytes(make(picture))
    for name, content in bad().items():
        (root / "kinds" / name).write_bytes(content)
    whole = DEER.read_bytes()
    (root / "kinds" / CUT_OFF).write_bytes(whole[: len(whole) * 9 // 10])
    (root / "names").mkdir()
    for number, raw in enumerate(NAMES):
        (root / "names" / os.fsdecode(raw)).write_bytes(whole + bytes([number]))
    for name in ("twin one", "twin two"):
        (root / name).mkdir()
        shutil.copy(SAMPLE / "meadow" / "IMG_0013.JPG", root / name / "same.jpg")
    files = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    (root / "notes.txt").write_text("What is no medium is left out.")
    if closed:
        (root / "closed").mkdir()
        shutil.copy(DEER, root / "closed" / "unseen.jpg")
        (root / "closed").chmod(0)
    return sorted(files, key=os.fsencode)
