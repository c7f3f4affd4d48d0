"""Single statements on connections of their own: a database that falls silent is given up, and found again."""

import asyncio
from random import Random

import pytest

from ai_manager.direct import ConnectionLost, Direct
from tests.support.chaos_proxy import Link, Trouble


async def test_a_single_statement_that_is_not_answered_ends(postgres) -> None:
    link = Link("to postgres", [("127.0.0.1", postgres.port)], Random(1))  # noqa: S311 - nothing is chosen by it
    await link.open()
    url = postgres.url().replace(f":{postgres.port}/", f":{link.port}/")
    direct = Direct(url, size=1, statement_timeout_seconds=0.5)
    await direct.fetch("select 1")
    link.trouble = Trouble.BLACKHOLE
    async with asyncio.timeout(60):
        with pytest.raises(ConnectionLost):
            await direct.fetch("select 1")
        link.trouble = None
        assert [tuple(row) for row in await direct.fetch("select 1")] == [(1,)]
    await direct.close()
    await link.close()
