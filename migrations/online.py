"""What every service's env.py does: one migration at a time, each in a transaction with short locks."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from trapper_kit.db import asyncpg_url

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def run(metadata: MetaData, *, variable: str, lock: str) -> None:
    """Upgrade (or compare) the database that `variable` names; Alembic calls this through env.py."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given, metadata, lock)
        return
    url = context.config.attributes.get("url") or os.environ[variable]
    asyncio.run(_connect(asyncpg_url(url), metadata, lock))


async def _connect(url: str, metadata: MetaData, lock: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata, lock)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData, lock: str) -> None:
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        # Two deployments that start at once must not migrate at once; the lock ends with the connection.
        connection.execute(text("select pg_advisory_lock(hashtextextended(:name, 0))"), {"name": lock})
        connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"set statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
    options: dict[str, Any] = {
        "compare_type": True,
        "transaction_per_migration": True,
        "render_as_batch": not postgres,
        "include_object": _ours,
    }
    context.configure(connection=connection, target_metadata=metadata, **options)
    with context.begin_transaction():
        context.run_migrations()


def _ours(_item: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")
