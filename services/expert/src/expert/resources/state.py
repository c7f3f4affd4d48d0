"""What a resource can be, where its time comes from, and whether its picture may be shown."""

from enum import StrEnum


class ResourceState(StrEnum):
    """Bytes are there; we know what they are; or we know that they cannot be read."""

    STORED = "stored"
    DESCRIBED = "described"
    UNREADABLE = "unreadable"


class ResourceKind(StrEnum):
    """What sort of medium; nothing is known before the bytes were decoded."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    UNKNOWN = "unknown"


class TimeSource(StrEnum):
    """Where the wall-clock time was read; `none` means that there is none, and none is invented.

    In the order in which they are looked at: DateTimeOriginal, DateTimeDigitized, the maker's block (Reconyx), XMP,
    DateTime, the file's name.
    """

    EXIF = "exif"
    EXIF_DIGITIZED = "exif_digitized"
    MAKER_NOTE = "maker_note"
    XMP = "xmp"
    EXIF_MODIFIED = "exif_modified"
    FILENAME = "filename"
    TABLE = "table"
    MTIME = "mtime"
    NONE = "none"


class PrivacyState(StrEnum):
    """The gate before the picture."""

    OPEN = "open"
    HELD = "held"
    CLEAR = "clear"
    BLURRED = "blurred"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see it in addition to the members."""

    PRIVATE = "private"
    ON_DEMAND = "on_demand"
    PUBLIC = "public"
