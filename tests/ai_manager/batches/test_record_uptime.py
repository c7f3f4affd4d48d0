"""An outage of ours costs workers nothing: leases end only after a Manager answered through a whole one."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ai_manager.batches import queries
from ai_manager.batches.expire import expire_leases
from ai_manager.batches.record_uptime import record_uptime
from tests.support.make.ai_manager import Manager
from tests.support.workers import eventually
from trapper_schemas.ids import uuid7

GAP = timedelta(seconds=25)
SILENCE = "update batches set lease_expires_at = clock_timestamp() - interval '1 second' where state = 'leased'"


async def _set_processes(manager: Manager, since: str, seen: str) -> None:
    """No process but one, which answered from then to then."""
    await manager.execute("delete from web_processes")
    await manager.execute(
        f"insert into web_processes values (gen_random_uuid(), clock_timestamp() - interval '{since}', "  # noqa: S608 - constants
        f"clock_timestamp() - interval '{seen}')"
    )


async def test_nobody_is_silent_while_no_process_answers(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    await machine.claim()
    await manager.execute(SILENCE)
    manager.work.began -= 3600  # the process that sweeps has been there all the time
    await _set_processes(manager, since="1 hour", seen="10 minutes")
    assert await expire_leases(manager.work) == 0, "the one that answered is gone"
    await _set_processes(manager, since="20 seconds", seen="0 seconds")
    assert await expire_leases(manager.work) == 0, "it is back for less than a lease"
    await _set_processes(manager, since="31 seconds", seen="0 seconds")
    assert await expire_leases(manager.work) == 1


async def test_a_pause_that_costs_heartbeats_begins_it_anew(manager: Manager) -> None:
    await manager.execute("delete from web_processes")
    process_id = uuid7()

    async def note() -> None:
        async with manager.work.db() as db:
            await queries.note_open(db, process_id, gap=GAP, delete_after=timedelta(days=1))

    async def age() -> float:
        rows = await manager.rows(
            "select extract(epoch from clock_timestamp() - since) as age from web_processes where id = :d", d=process_id
        )
        return float(rows[0]["age"])

    await note()
    await manager.execute(
        "update web_processes set since = since - interval '1 hour', seen_at = seen_at - interval '5 seconds'"
    )
    await note()
    assert await age() > 3000, "five seconds are nothing"
    await manager.execute("update web_processes set seen_at = seen_at - interval '40 seconds'")
    await note()
    assert await age() < 3000


async def test_whatever_it_meets_it_goes_on(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    met = 0
    note_open = queries.note_open

    async def fail_twice(*arguments: Any, **named: Any) -> None:
        nonlocal met
        met += 1
        if met < 3:
            raise RuntimeError("something nobody thought of")
        await note_open(*arguments, **named)

    monkeypatch.setattr(queries, "note_open", fail_twice)
    monkeypatch.setattr(manager.work.intervals, "sweep", 0.01)
    await manager.execute("delete from web_processes")
    staying = asyncio.create_task(record_uptime(manager.work))
    try:
        await eventually(lambda: manager.rows("select * from web_processes"))
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)


async def test_a_running_manager_notes_itself_and_forgets_the_dead(manager: Manager) -> None:
    async def noted() -> bool:
        return len(await manager.rows("select * from web_processes")) == 1

    await eventually(noted)
    await manager.execute(
        "insert into web_processes values (gen_random_uuid(), now() - interval '3 days', now() - interval '2 days')"
    )
    async with manager.work.db() as db:
        await queries.note_open(db, uuid7(), gap=GAP, delete_after=timedelta(days=1))
    dead = await manager.rows("select * from web_processes where seen_at < now() - interval '1 day'")
    assert dead == []
