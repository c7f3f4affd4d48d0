"""Opens pictures of the formats that this system takes; the header is read, and nothing is decoded."""

import warnings
from typing import IO

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""Names of Pillow; MPO is opened as a JPEG, which then has several frames."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before decoding; Pillow's would warn, or refuse at its own
Image.init()  # registers every format now, not in the middle of the first picture of several threads


def open_picture(file: IO[bytes]) -> Image.Image:
    """The picture behind its header; raises what Pillow raises for other files, and warns of nothing."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # about broken EXIF, which is normal here
    return Image.open(file, formats=FORMATS)
