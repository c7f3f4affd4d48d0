"""Tells photos and videos from everything else, by what a file begins with and only then by its name."""

from enum import StrEnum
from pathlib import PurePath

HEAD_BYTES = 32

_PHOTO_ENDINGS = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".mpo"}
_VIDEO_ENDINGS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".mts", ".m2ts", ".3gp"}
_PHOTO_HEADS = (
    b"\xff\xd8\xff",  # JPEG and MPO
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF, little and big endian, and BigTIFF
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
)
_VIDEO_HEADS = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"\x00\x00\x01\xba",  # MPEG program and elementary streams
    b"\x00\x00\x01\xb3",
    b"0&\xb2u\x8ef\xcf\x11",  # Windows Media
    b"FLV\x01",
)
_MOVIE_ATOMS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_BITMAP_HEADER = 26
_BITMAP_INFO_LENGTHS = {12, 40, 52, 56, 64, 108, 124}
_PICTURE_BRANDS = {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}


class Media(StrEnum):
    """What a file is for us."""

    PHOTO = "photo"
    VIDEO = "video"
    OTHER = "other"


def sniff(name: str, head: bytes, size: int) -> Media:
    """A file that begins as a photo or video is one, whatever its name; otherwise its ending decides.

    So a text file named .jpg counts as a photo: it is sent, and ends as unreadable with a reason.
    """
    by_bytes = _by_bytes(head, size)
    if by_bytes is not Media.OTHER:
        return by_bytes
    # What the Finder leaves beside each photo on a card has the photo's name after `._` and no picture in it.
    return Media.OTHER if name.startswith(".") else by_ending(name)


def by_ending(name: str) -> Media:
    """What the name promises."""
    ending = PurePath(name).suffix.lower()
    if ending in _PHOTO_ENDINGS:
        return Media.PHOTO
    return Media.VIDEO if ending in _VIDEO_ENDINGS else Media.OTHER


def _by_bytes(head: bytes, size: int) -> Media:
    if head.startswith(_PHOTO_HEADS) or _is_bitmap(head, size):
        return Media.PHOTO
    if head[:4] == b"RIFF":
        return {b"WEBP": Media.PHOTO, b"AVI ": Media.VIDEO}.get(head[8:12], Media.OTHER)
    if head[4:8] in _MOVIE_ATOMS:
        return Media.PHOTO if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS else Media.VIDEO
    return Media.VIDEO if head.startswith(_VIDEO_HEADS) else Media.OTHER


def _is_bitmap(head: bytes, size: int) -> bool:
    """Two letters alone would make a bitmap of every text that begins with BM: the header's length must fit too."""
    return head[:2] == b"BM" and size > _BITMAP_HEADER and int.from_bytes(head[14:18], "little") in _BITMAP_INFO_LENGTHS
