"""A resource as the Manager and the Worker know it: where its bytes are and what they must be."""

from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Request
from trapper_schemas.urls import BaseAddress

SHA256 = r"^[0-9a-f]{64}$"


class ResourceRef(Request):
    """One photo by reference; `url` has no query string, since the right to read it is a header (the media grant)."""

    id: UUID
    url: BaseAddress = Field(max_length=2000, pattern=r"^https?://[^?#\s]+$")
    sha256: str = Field(pattern=SHA256, description="of the stored bytes, which may have been rewritten since upload")
    media_type: str = Field(max_length=100)
    size_bytes: int = Field(ge=0)
