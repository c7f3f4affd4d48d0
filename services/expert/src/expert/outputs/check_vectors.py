"""Checks at the start of a process that the database can store vectors."""

from expert.outputs import queries
from expert.outputs.errors import VectorsMissing
from trapper_kit.db import Database, DatabaseUnavailable


async def check_vectors(database_url: str) -> None:
    """Raise VectorsMissing when the extension is not there; a database that is away is left to readiness."""
    database = Database.connect(database_url, pool_size=1)
    try:
        async with database.begin() as db:
            present = await queries.can_store_vectors(db)
    except DatabaseUnavailable:
        return
    finally:
        await database.close()
    if not present:
        raise VectorsMissing
