"""COPY of many rows into one table, inside the transaction of the session: the one bulk path of ingest."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from trapper_kit.db import Session


async def copy_rows(db: Session, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
    """Write the records; JSON columns take text. The session has run a statement before, so a transaction is open."""
    connection = await (await db.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table, records=records, columns=list(columns))


async def copy_binary(db: Session, table: str, columns: Sequence[str], rows: bytes) -> None:
    """Write rows that are encoded as PostgreSQL's binary COPY has them, between its header and its trailer."""
    connection = await (await db.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    source = io.BytesIO(b"".join((b"PGCOPY\n\xff\r\n\0", bytes(8), rows, b"\xff\xff")))
    await driver.copy_to_table(table, columns=list(columns), source=source, format="binary")
