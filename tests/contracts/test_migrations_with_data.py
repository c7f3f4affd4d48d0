"""Every migration goes down and up again while the tables have rows, and loses none of them."""

import asyncio

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from migrations.run import config
from tests.contracts.conftest import Pair

TABLES = """select relname from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'"""


async def _counts(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        names = [row["relname"] for row in await connection.fetch(TABLES)]
        return {name: await connection.fetchval(f'select count(*) from "{name}"') for name in names}  # noqa: S608 - ours
    finally:
        await connection.close()


@pytest.mark.parametrize("service", ["expert", "ai_manager"])
async def test_every_migration_goes_down_and_up_again_with_rows(
    pair: Pair, expert_database_url: str, ai_manager_database_url: str, service: str
) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    await pair.sweep()
    await pair.sweep()
    await pair.expert.work.database.engine.dispose()
    await pair.manager.work.database.engine.dispose()
    url = expert_database_url if service == "expert" else ai_manager_database_url
    before = await _counts(url)
    assert sum(before.values()) > 10
    settings = config(service, url)
    revisions = [script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()]
    for revision in revisions[1:]:
        await asyncio.to_thread(command.downgrade, settings, revision)
    first = await _counts(url)
    for revision in reversed(revisions[:-1]):
        await asyncio.to_thread(command.upgrade, settings, revision)
    after = await _counts(url)
    assert after.keys() == before.keys()
    kept = first.keys() & before.keys()  # a table of attempts, which nobody keeps, was made anew on the way
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
