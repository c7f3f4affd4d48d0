"""JSON in one zstd frame: resource references as they lie in the database, per chunk or batch, and long replies."""

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


def squeeze(document: bytes) -> bytes:
    """A long reply for the way; the labels that each of several leases repeats cost almost nothing."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(document)
