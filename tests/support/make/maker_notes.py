"""Makes the blocks that Reconyx cameras write into tag 0x927C."""

import struct
from datetime import datetime


def hyperfire(taken: datetime, *, swapped: bool = False) -> bytes:
    """HyperFire: version 0xf101, the time at byte 22; some firmware writes the time alone big-endian."""
    note = bytearray(86)
    note[:4] = b"\x01\xf1\x03\x00"
    parts = (taken.second, taken.minute, taken.hour, taken.month, taken.day, taken.year)
    struct.pack_into(">6H" if swapped else "<6H", note, 0x16, *parts)
    return bytes(note)


def hyperfire_2(taken: datetime) -> bytes:
    """HyperFire 2: the time at byte 62, the day before the month."""
    note = bytearray(156)
    note[:10] = b"RECONYXH2\0"
    struct.pack_into("<6H", note, 0x3E, taken.second, taken.minute, taken.hour, taken.day, taken.month, taken.year)
    return bytes(note)


def ultrafire(taken: datetime) -> bytes:
    """UltraFire: the time at byte 59, one byte each but for the year."""
    note = bytearray(120)
    note[:10] = b"RECONYXUF\0"
    struct.pack_into("<5BH", note, 0x3B, taken.second, taken.minute, taken.hour, taken.day, taken.month, taken.year)
    return bytes(note)
