"""States of a resource, sources of its time, and its visibility."""

from enum import StrEnum


class ResourceState(StrEnum):
    """`stored`, then `described` or `unreadable`."""

    STORED = "stored"
    DESCRIBED = "described"
    UNREADABLE = "unreadable"


class ResourceKind(StrEnum):
    """The kind of medium; unknown before the bytes are decoded."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    UNKNOWN = "unknown"


class TimeSource(StrEnum):
    """Where the wall-clock time was read; `none` means that the file has none.

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
    """Whether the picture may be shown."""

    OPEN = "open"
    HELD = "held"
    CLEAR = "clear"
    BLURRED = "blurred"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see the resource besides the members."""

    PRIVATE = "private"
    ON_DEMAND = "on_demand"
    PUBLIC = "public"
