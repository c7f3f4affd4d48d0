"""A process that dies at any statement of what changes occurrences leaves them as they were."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Connection
from sqlalchemy import event

from expert.access.state import Caller
from expert.classifications import queries as classifications
from expert.classifications.approve import approve_classification
from expert.classifications.unapprove import unapprove_classification
from expert.occurrences.identify import NewIdentification, identify_many, withdraw_many
from expert.results.apply import apply_batch
from tests.expert.occurrences.test_occurrences import ai_row, foxes, photos
from tests.support.make.expert_ai import Scene, asked_again, received

__all__ = ["foxes"]

MOST = 80
COPY: Callable[..., Awaitable[object]] = Connection.copy_records_to_table
TABLES = ("occurrences", "identifications", "observations", "predictions", "classifications")


async def stored(made: Scene) -> list[Any]:
    return [await made.sql(f"select * from {table} order by id") for table in TABLES]  # noqa: S608 - names of tables


async def die_everywhere(made: Scene, change: Callable[[], Awaitable[object]]) -> int:
    """The number of statements after each of which the process died and left everything as it was; then it changes."""
    engine, before = made.work.database.engine.sync_engine, await stored(made)
    for fatal in range(MOST):
        statements = iter(range(10 * MOST))

        def die(*_: Any, statements: Any = statements, fatal: int = fatal) -> None:
            if next(statements) == fatal:
                raise ConnectionError("the process dies here")

        async def copy(connection: Connection, *args: Any, die: Callable[..., None] = die, **kwargs: Any) -> object:
            copied = await COPY(connection, *args, **kwargs)
            die()
            return copied

        event.listen(engine, "after_cursor_execute", die)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Connection, "copy_records_to_table", copy)
                await change()
        except ConnectionError:
            if await stored(made) != before:  # it was committed, and died in what follows
                return fatal
        else:
            return fatal
        finally:
            event.remove(engine, "after_cursor_execute", die)
    pytest.fail(f"the change has more than {MOST} statements")


def owner(made: Scene) -> Caller:
    return Caller(made.user_ids["owner"], "owner@example.org", False)


async def identify(made: Scene, *items: NewIdentification) -> list[UUID]:
    async with made.work.db() as db:
        results = await identify_many(db, owner(made), items, now=made.work.clock.now())
    return [result for result in results if isinstance(result, UUID)]


async def test_crash_at_any_statement_of_a_newer_run_leaves_the_occurrences(foxes: Scene) -> None:
    (occurrence_id,) = (await foxes.sql("select min(id::text)::uuid from occurrences"))[0]
    await identify(foxes, NewIdentification(occurrence_id, foxes.taxa["Sus scrofa"]))
    received_id = await received(foxes, await asked_again(foxes), photos(foxes, left=(45000, 6600, 45000)))

    async def apply() -> None:
        await apply_batch(foxes.work, received_id)

    assert await die_everywhere(foxes, apply) >= 12
    await apply()
    assert await foxes.sql("select count(*) from occurrences where is_current") == [(3,)]
    assert await foxes.sql("select id from occurrences where is_unmatched") == [(occurrence_id,)]


async def test_crash_at_any_statement_of_identifying_and_withdrawing_leaves_the_determination(foxes: Scene) -> None:
    ids = [row[0] for row in await foxes.sql("select id from occurrences order by id")]
    boar, deer = foxes.taxa["Sus scrofa"], foxes.taxa["Cervus elaphus"]
    await identify(foxes, NewIdentification(ids[0], boar))
    assert await die_everywhere(foxes, lambda: identify(foxes, *(NewIdentification(each, deer) for each in ids))) >= 6
    determined = "select determination_taxon_id from occurrences order by id"
    assert await foxes.sql(determined) == [(deer,)] * 3
    latest = await foxes.sql("select id from identifications where taxon_id = :deer order by occurrence_id", deer=deer)

    async def withdraw() -> None:
        async with foxes.work.db() as db:
            await withdraw_many(db, owner(foxes), [row[0] for row in latest], now=foxes.work.clock.now())

    assert await die_everywhere(foxes, withdraw) >= 6
    fox = foxes.taxa["Vulpes vulpes"]
    assert await foxes.sql(determined) == [(boar,), (fox,), (fox,)]


async def test_crash_at_any_statement_of_approving_and_its_end_leaves_the_determination(foxes: Scene) -> None:
    row_id, by = UUID(await ai_row(foxes)), foxes.user_ids["owner"]
    sources = "select determination_source from occurrences order by determination_source"

    async def change(verb: Any, version: int, **values: Any) -> None:
        async with foxes.work.db() as db:
            row = await classifications.get(db, row_id)
            await verb(db, row, expected_version=version, by=by, now=foxes.work.clock.now(), **values)

    assert await die_everywhere(foxes, lambda: change(approve_classification, 0, allow_superseded=False)) >= 6
    assert await foxes.sql(sources) == [("approval",), ("prediction",), ("prediction",)]
    assert await die_everywhere(foxes, lambda: change(unapprove_classification, 1)) >= 5
    assert await foxes.sql(sources) == [("prediction",)] * 3
