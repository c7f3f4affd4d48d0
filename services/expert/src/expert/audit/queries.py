"""Runs statements that must find nothing; features write them, `doctor` and the tests run them."""

from sqlalchemy import text

from trapper_kit.db import Session


async def offenders(db: Session, statement: str, *, limit: int = 20) -> list[str]:
    """The first of what should not be there."""
    return [str(row[0]) for row in (await db.execute(text(statement))).fetchmany(limit)]
