"""The readers of result blobs by version; every version has one, and all of them return the newest shape."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from trapper_schemas import codec
from trapper_schemas.codec import BlobRefused, Limits
from trapper_schemas.problem import field_message
from trapper_schemas.v1.read_results import read_document
from trapper_schemas.v1.results import SCHEMA, SCHEMA_VERSION, BatchResults

READERS: Mapping[int, Callable[[dict[str, Any]], BatchResults]] = {SCHEMA_VERSION: read_document}
"""By `schema_version`, which is the protocol that the writer speaks; a later version adds its reader here."""


def read_results(blob: bytes, *, limits: Limits = codec.DEFAULT_LIMITS) -> BatchResults:
    """Decode a blob into results; raises BlobRefused when its bytes or its form break a rule."""
    document = codec.decode(blob, limits=limits)
    version = document["schema_version"]
    read = READERS.get(version) if type(version) is int else None
    if document["schema"] != SCHEMA or read is None:
        raise BlobRefused("unknown-version", f"{SCHEMA} is read here in versions {', '.join(map(str, READERS))}")
    try:
        return read(document)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BlobRefused("form", f"{where}: {field_message(first)}") from problem
