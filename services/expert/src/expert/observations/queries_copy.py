"""COPY of many rows into one table, inside the transaction of the session: the one bulk path of ingest."""

from collections.abc import Iterable, Sequence
from typing import Any

from trapper_kit.db import Session


async def copy_rows(db: Session, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
    """Write the records; JSON columns take text. The session has run a statement before, so a transaction is open."""
    connection = await (await db.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table, records=records, columns=list(columns))
