"""Parameters that every service takes alike."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query

from trapper_kit.paging import MAX_LIMIT
from trapper_schemas.protocol import HEADER

Protocol = Annotated[int, Header(alias=HEADER, description="version of the protocol between services, from 1")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]
Ids = Annotated[list[UUID] | None, Query(max_length=200, description="only the rows with these ids")]
Name = Annotated[
    str | None,
    Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="a part of the name, in any letter case"),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
LeaseToken = Annotated[str, Header(alias="Lease-Token", max_length=100)]
ContentSha256 = Annotated[str, Header(alias="Content-Sha256", pattern=r"^[0-9a-f]{64}$")]
"""sha256 of the body, lower-case hexadecimal."""
