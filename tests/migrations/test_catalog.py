"""The migrations build exactly the tables, constraints and indexes that the models declare."""

import asyncio
from itertools import count

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

import ai_manager.tables
import expert.tables
from tests.support.database import Databases
from trapper_kit.db import asyncpg_url

METADATA = {"expert": expert.tables.Base.metadata, "ai_manager": ai_manager.tables.Base.metadata}
CATALOG = {
    "columns": """
        select table_name || '.' || column_name as name,
               concat_ws(' ', data_type, udt_name, is_nullable, column_default, generation_expression) as text
        from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'""",
    "constraints": """
        select conrelid::regclass || '.' || conname as name,
               replace(pg_get_constraintdef(oid), ' NOT VALID', '') as text
        from pg_constraint where connamespace = 'public'::regnamespace and conrelid <> 0 and contype <> 'n'
          and conrelid::regclass::text <> 'alembic_version'""",
    "indexes": """
        select tablename || '.' || indexname as name, indexdef as text
        from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version'""",
}
_numbers = count(1)


async def _catalog(url: str, kind: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        return {row["name"]: row["text"] for row in await connection.fetch(CATALOG[kind])}
    finally:
        await connection.close()


@pytest.mark.parametrize("service", METADATA)
async def test_migrations_build_what_the_models_declare(databases: Databases, service: str) -> None:
    migrated = await databases.fresh(service)
    name = f"declared_{service}_{next(_numbers)}"
    await asyncio.to_thread(databases.server.create_database, name)
    await asyncio.to_thread(databases.server.sql, "create extension if not exists vector", name)
    declared = databases.server.url(name)
    engine = create_async_engine(asyncpg_url(declared))
    async with engine.begin() as connection:
        await connection.run_sync(METADATA[service].create_all)
    await engine.dispose()
    for kind in CATALOG:
        there, wanted = await _catalog(migrated, kind), await _catalog(declared, kind)
        assert wanted, f"the models declare no {kind}"
        assert there == wanted, f"migrations and models differ in {kind}"
    for url in (migrated, declared):
        await databases.drop(url)
