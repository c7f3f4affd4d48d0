"""Resource references as they lie in the database: JSON in one zstd frame per chunk or batch."""

from collections.abc import Sequence

import zstandard
from pydantic import TypeAdapter

from trapper_schemas.codec import decompressor
from trapper_schemas.v1.resources import ResourceRef

_REFERENCES = TypeAdapter(list[ResourceRef])
_LEVEL = 3


def pack(resources: Sequence[ResourceRef]) -> bytes:
    """References as bytes."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(_REFERENCES.dump_json(list(resources)))


def unpack(packed: bytes) -> list[ResourceRef]:
    """References from bytes that `pack` made."""
    return _REFERENCES.validate_json(raw(packed))


def raw(packed: bytes) -> bytes:
    """The JSON inside of bytes that `pack` made."""
    return decompressor().decompress(packed)
