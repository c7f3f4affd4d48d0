"""Recognize a file by its first bytes, before any decoder sees it; names and announced types do not count."""

from dataclasses import dataclass

from expert.resources.state import ResourceKind
from trapper_schemas.v1.results import FailureCode

HEAD_BYTES = 512
_STILL_BRANDS = frozenset({b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis"})
_QUICKTIME = b"qt  "
_SIGNS: tuple[tuple[int, bytes, ResourceKind, str], ...] = (
    (0, b"\x1aE\xdf\xa3", ResourceKind.VIDEO, "video/x-matroska"),
    (0, b"\x30\x26\xb2\x75", ResourceKind.VIDEO, "video/x-ms-wmv"),
    (0, b"\x00\x00\x01\xba", ResourceKind.VIDEO, "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", ResourceKind.VIDEO, "video/mpeg"),
    (0, b"FLV", ResourceKind.VIDEO, "video/x-flv"),
    (8, b"AVI ", ResourceKind.VIDEO, "video/x-msvideo"),
    (4, b"moov", ResourceKind.VIDEO, "video/quicktime"),
    (4, b"mdat", ResourceKind.VIDEO, "video/quicktime"),
    (4, b"wide", ResourceKind.VIDEO, "video/quicktime"),
    (8, b"WAVE", ResourceKind.AUDIO, "audio/wav"),
    (0, b"ID3", ResourceKind.AUDIO, "audio/mpeg"),
    (0, b"fLaC", ResourceKind.AUDIO, "audio/flac"),
    (0, b"OggS", ResourceKind.AUDIO, "audio/ogg"),
)
_SENTENCES = {
    ResourceKind.VIDEO: "video is not supported yet",
    ResourceKind.AUDIO: "audio is stored, but not classified",
    ResourceKind.IMAGE: "HEIC and AVIF pictures are not supported",
}


@dataclass(frozen=True)
class NoPicture:
    """Why a file is not a picture, as a plain sentence."""

    code: FailureCode
    message: str
    kind: ResourceKind = ResourceKind.UNKNOWN
    media_type: str = "application/octet-stream"


def sniff(head: bytes) -> NoPicture | None:
    """What the file certainly is not a picture for; None when a decoder should try."""
    if not head:
        return NoPicture(FailureCode.EMPTY_FILE, "the file is empty")
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12])
    for at, sign, kind, media_type in _SIGNS:
        if head[at : at + len(sign)] == sign:
            return NoPicture(FailureCode.UNSUPPORTED_MEDIA, _SENTENCES[kind], kind, media_type)
    if _is_text(head):
        return NoPicture(FailureCode.UNDECODABLE, "the file is text, not a picture")
    return None


def _of_brand(brand: bytes) -> NoPicture:
    if brand in _STILL_BRANDS:
        kind, media_type = ResourceKind.IMAGE, "image/avif" if brand.startswith(b"avi") else "image/heic"
    else:
        kind, media_type = ResourceKind.VIDEO, "video/quicktime" if brand == _QUICKTIME else "video/mp4"
    return NoPicture(FailureCode.UNSUPPORTED_MEDIA, _SENTENCES[kind], kind, media_type)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as problem:
        if problem.start < len(head) - 3:  # a character that the end of `head` cuts off is still text
            return False
        text = head[: problem.start].decode("utf-8")
    return all(sign.isprintable() or sign in "\r\n\t\f" for sign in text)
