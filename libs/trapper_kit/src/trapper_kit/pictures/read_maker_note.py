"""Read the date in a camera maker's own block: Reconyx HyperFire, HyperFire 2 and UltraFire."""

import struct
from datetime import datetime

from trapper_kit.pictures.read_time import valid_time

_HYPERFIRE, _HYPERFIRE_AT = b"\x01\xf1", 0x16
_HYPERFIRE_2, _HYPERFIRE_2_AT = b"RECONYXH2\0", 0x3E
_ULTRAFIRE, _ULTRAFIRE_AT = b"RECONYXUF\0", 0x3B
_HIGH_BYTE = 0xFF00


def read_maker_note(note: bytes) -> datetime | None:
    """The naive time of the block; None for other makers, and for a block that is too short or has no real time."""
    try:
        if note.startswith(_ULTRAFIRE):
            second, minute, hour, day, month, year = struct.unpack_from("<5BH", note, _ULTRAFIRE_AT)
        elif note.startswith(_HYPERFIRE_2):
            second, minute, hour, day, month, year = struct.unpack_from("<6H", note, _HYPERFIRE_2_AT)
        elif note.startswith(_HYPERFIRE):
            second, minute, hour, month, day, year = _hyperfire(note)
        else:
            return None
    except struct.error:
        return None
    return valid_time((year, month, day, hour, minute, second))


def _hyperfire(note: bytes) -> tuple[int, ...]:
    """Little-endian, but for some firmware that writes the time alone big-endian."""
    values = struct.unpack_from("<6H", note, _HYPERFIRE_AT)
    is_swapped = any(value & _HIGH_BYTE for value in values[:5])  # no second, minute, hour, month or day is above 255
    return struct.unpack_from(">6H", note, _HYPERFIRE_AT) if is_swapped else values
