"""EXIF as a JSON document that a database takes: named, bounded, cleaned; whatever a file contains, it never raises."""

import math
import re
from collections.abc import Mapping
from numbers import Rational
from typing import Any

from PIL import Image
from PIL.ExifTags import GPSTAGS, IFD, TAGS

from trapper_kit.pictures.read_maker_note import read_maker_note
from trapper_kit.pictures.read_time import MAKER_NOTE_TIME, XMP_TIME
from trapper_kit.text import REPLACEMENT, clean

_MOST_ENTRIES = 200
_MOST_CHARACTERS = 500
_MOST_NUMBERS = 32
_LEFT_OUT = frozenset({"MakerNote", "UserComment", "PrintImageMatching", "ExifOffset", "GPSInfo", "XMLPacket"})
_LARGEST_WHOLE = 2**63
_MAKER_NOTE, _XMP = 0x927C, 700
_XMP_TIMES = tuple(
    re.compile(rf"""<?{name}\s*(?:=\s*["']|>)\s*([^"'<]{{10,40}})""")
    for name in ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "xap:CreateDate")
)
_LONGEST_XMP_BYTES = 1 << 20
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_exif(image: Image.Image) -> dict[str, Any]:
    """Tags of the main and of the Exif directory by name, those of GPS under `GPS`."""
    try:
        exif = image.getexif()
        document = _named(exif, TAGS)
        details = exif.get_ifd(IFD.Exif)
        document |= _named(details, TAGS)
        document |= _times_elsewhere(details.get(_MAKER_NOTE), image.info.get("xmp") or exif.get(_XMP))
        gps = _named(exif.get_ifd(IFD.GPSInfo), GPSTAGS)
    except Exception:  # noqa: BLE001 - broken EXIF is as if there were none, whatever its reader stumbles over
        return {}
    return document | ({"GPS": gps} if gps else {})


def read_orientation(image: Image.Image) -> int:
    """1 to 8 of the standard; 1 for whatever is broken."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - as above
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - the values of the standard


def _times_elsewhere(maker_note: Any, xmp: Any) -> dict[str, str]:
    """Times of the maker's block and of XMP, in the form of EXIF."""
    times: dict[str, str] = {}
    taken = read_maker_note(maker_note) if isinstance(maker_note, bytes) else None
    if taken is not None:
        times[MAKER_NOTE_TIME] = f"{taken:%Y:%m:%d %H:%M:%S}"
    packet = xmp[:_LONGEST_XMP_BYTES].decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp or "")
    for pattern in _XMP_TIMES:
        match = pattern.search(packet)
        if match is not None:
            times[XMP_TIME] = _CONTROL.sub("", clean(match[1])).strip()
            break
    return times


def _named(tags: Mapping[int, Any], names: Mapping[int, str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for number in list(tags)[:_MOST_ENTRIES]:
        name = names.get(number, f"0x{number:04x}")
        if name in _LEFT_OUT:
            continue
        value = _plain(tags[number])
        if value is not None:
            document[name] = value
    return document


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            plain = _text_of(value)
        case str():
            plain = _CONTROL.sub("", clean(value).replace(REPLACEMENT, ""))[:_MOST_CHARACTERS].strip()
        case bool():
            plain = value
        case int():
            plain = value if abs(value) < _LARGEST_WHOLE else None
        case float() | Rational():
            plain = _number(value)
        case tuple() | list():
            plain = [_plain(item) for item in value[:_MOST_NUMBERS]]
        case _:
            plain = None
    return plain


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text_of(value: bytes) -> str | None:
    text = value.rstrip(b"\x00")
    if not text or len(text) > _MOST_CHARACTERS:
        return None
    try:
        decoded = text.decode("ascii")
    except UnicodeDecodeError:
        return None
    return decoded if decoded.isprintable() else None
