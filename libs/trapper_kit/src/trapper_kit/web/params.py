"""Parameters that every service takes alike."""

from typing import Annotated

from fastapi import Header, Query

from trapper_kit.paging import MAX_LIMIT
from trapper_schemas.protocol import HEADER

Protocol = Annotated[int, Header(alias=HEADER, description="version of the protocol between services")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
LeaseToken = Annotated[str, Header(alias="Lease-Token", max_length=100)]
ContentSha256 = Annotated[str, Header(alias="Content-Sha256", pattern=r"^[0-9a-f]{64}$")]
"""sha256 of the body, lower-case hexadecimal."""
