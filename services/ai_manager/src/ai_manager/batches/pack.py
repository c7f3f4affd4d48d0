"""JSON in a zstd frame: resource references of a chunk or batch, and long replies."""

from collections.abc import Sequence

import zstandard
from pydantic import TypeAdapter

from trapper_schemas.codec import decompressor
from trapper_schemas.v1.resources import ResourceRef

_REFERENCES = TypeAdapter(list[ResourceRef])
_LEVEL = 3


def pack(resources: Sequence[ResourceRef]) -> bytes:
    """Returns references as bytes."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(_REFERENCES.dump_json(list(resources)))


def unpack(packed: bytes) -> list[ResourceRef]:
    """Returns the references of bytes that `pack` made."""
    return _REFERENCES.validate_json(raw(packed))


def raw(packed: bytes) -> bytes:
    """Returns the JSON of bytes that `pack` made."""
    return decompressor().decompress(packed)


def squeeze(document: bytes) -> bytes:
    """Returns a long reply compressed; labels that several leases repeat cost almost nothing."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(document)
