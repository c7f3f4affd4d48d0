"""Operations run batch by batch, continue where they stopped, and are taken from dead processes only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.models import Operation
from expert.operations.recover import recover_operations
from expert.operations.register import KINDS, operation_kind
from expert.operations.run import run_operation
from expert.operations.start import begin_operation
from expert.operations.state import MAX_FAILURES, BatchOutcome, LogLevel, LogLine
from expert.settings import Intervals
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_kit.db import Session
from trapper_kit.problems import Conflict

ROWS = 5
Step = Callable[[int], Awaitable[None]]


async def nothing(_position: int) -> None:
    """A batch without trouble."""


@contextmanager
def kind(name: str, step: Step = nothing, *, is_long: bool = False) -> Generator[None]:
    """A kind of operation whose batches write one row each, into the log, and then do `step`."""

    async def run_batch(_work: ExpertWork, _db: Session, operation: Operation) -> BatchOutcome:
        position = operation.position.get("next", 0)
        assert isinstance(position, int)
        await step(position)
        line = LogLine(LogLevel.ERROR if position == 1 else LogLevel.INFO, f"row {position}", item=str(position))
        return BatchOutcome(
            {"next": position + 1},
            done=1,
            is_last=not is_long and position + 1 == ROWS,
            counters={"failed": int(position == 1)},
            lines=[line],
            result={"rows": position + 1},
        )

    operation_kind(name)(run_batch)
    try:
        yield
    finally:
        del KINDS[name]


@pytest.fixture
async def project(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    quick = Intervals(sweep=0.0001, max_backoff=0.0001, operation_heartbeat=0.02, operation_silence=0.5)
    async with expert(expert_database_url, tmp_path, intervals=quick) as work:
        yield await scene(work, resources=0)


async def started(project: Scene, name: str = "tests.count") -> UUID:
    async with project.work.db() as db:
        operation = Operation(kind=name, classification_project_id=project.project_id, parameters={}, total=ROWS)
        return (await begin_operation(db, operation)).id


async def read(project: Scene, operation_id: UUID) -> dict[str, Any]:
    async with project.as_("owner") as client:
        answer = await client.get(f"/api/operations/{operation_id}/")
        assert answer.status_code == 200
        return answer.json()


async def lines(project: Scene, operation_id: UUID, **filters: Any) -> list[str]:
    async with project.as_("owner") as client:
        answer = await client.get(f"/api/operations/{operation_id}/log/", params=filters)
        return [line["message"] for line in answer.json()["items"]]


async def test_operation_runs_every_batch_and_keeps_counts_log_and_result(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
        assert (await read(project, operation_id))["state"] == "waiting"
        await run_operation(project.work, operation_id)
        await run_operation(project.work, operation_id)  # a second message changes nothing
    reply = await read(project, operation_id)
    assert (reply["state"], reply["done"], reply["total"], reply["attempt"]) == ("finished", ROWS, ROWS, 1)
    assert (reply["counters"], reply["result"]) == ({"failed": 1}, {"rows": ROWS})
    assert reply["expires_at"] > reply["ended_at"]
    assert await lines(project, operation_id) == [f"row {number}" for number in range(ROWS)]
    assert await lines(project, operation_id, after=3) == ["row 3", "row 4"]
    assert await lines(project, operation_id, level="error") == ["row 1"]
    assert await project.broken() == {}


async def test_failed_batch_is_tried_again_from_its_position(project: Scene) -> None:
    failures = iter([True, False])

    async def fail_once(position: int) -> None:
        if position == 2 and next(failures):
            raise RuntimeError("the disk hiccuped")

    with kind("tests.count", fail_once):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
        waiting = await read(project, operation_id)
        assert (waiting["state"], waiting["done"]) == ("waiting", 2)
        await asyncio.sleep(0.01)
        await run_operation(project.work, operation_id)
    reply = await read(project, operation_id)
    assert (reply["state"], reply["done"], reply["attempt"]) == ("finished", ROWS, 2)
    messages = await lines(project, operation_id)
    assert [message for message in messages if message.startswith("row")] == [f"row {n}" for n in range(ROWS)]
    assert "A batch failed unexpectedly (RuntimeError). It is tried again." in messages


async def test_batch_that_always_fails_ends_the_operation_with_a_reason(project: Scene) -> None:
    async def fail(position: int) -> None:
        if position == 1:
            raise RuntimeError("broken")

    with kind("tests.count", fail):
        operation_id = await started(project)
        for _ in range(MAX_FAILURES + 1):
            await run_operation(project.work, operation_id)
            await asyncio.sleep(0.01)
    reply = await read(project, operation_id)
    assert (reply["state"], reply["done"], reply["attempt"]) == ("failed", 1, MAX_FAILURES)
    assert reply["error"] == "A batch failed unexpectedly (RuntimeError). It was tried 5 times at the same place."


async def test_problem_fails_the_operation_at_once_with_its_sentence(project: Scene) -> None:
    async def refuse(_position: int) -> None:
        raise Conflict("the link was closed")

    with kind("tests.count", refuse):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
    reply = await read(project, operation_id)
    assert (reply["state"], reply["attempt"]) == ("failed", 1)
    assert reply["error"].endswith("the link was closed")


async def test_long_batch_keeps_its_heartbeat_and_is_not_recovered(project: Scene) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_position: int) -> None:
        begun.set()
        await go_on.wait()

    with kind("tests.count", wait):
        operation_id = await started(project)
        running = asyncio.create_task(run_operation(project.work, operation_id))
        await begun.wait()
        first = (await read(project, operation_id))["heartbeat_at"]
        await asyncio.sleep(0.2)
        assert (await read(project, operation_id))["heartbeat_at"] > first
        await recover_operations(project.work)
        assert (await read(project, operation_id))["attempt"] == 1
        go_on.set()
        await running
    assert (await read(project, operation_id))["state"] == "finished"


async def test_batch_in_a_transaction_is_not_recovered_even_without_a_heartbeat(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
        async with project.work.db() as db:
            assert await queries.claim(db, operation_id, KINDS) is not None
        async with project.work.db() as db:
            assert await queries.hold(db, operation_id, 1) is not None
            await asyncio.sleep(0.6)  # longer than the silence after which it would be recovered
            await recover_operations(project.work)
            assert (await read(project, operation_id))["state"] == "running"
        await recover_operations(project.work)
        assert (await read(project, operation_id))["state"] == "waiting"


async def test_operation_of_a_dead_process_continues_and_the_dead_one_writes_nothing(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
        async with project.work.db() as db:
            dead = await queries.claim(db, operation_id, KINDS)
        assert dead is not None
        await project.sql("update operations set heartbeat_at = now() - interval '1 hour', position = '{\"next\": 3}'")
        await recover_operations(project.work)
        assert "The process that ran it stopped answering. It is tried again." in await lines(project, operation_id)
        await asyncio.sleep(0.01)
        await run_operation(project.work, operation_id)
        async with project.work.db() as db:
            assert await queries.hold(db, operation_id, dead.attempt) is None
            await queries.record(db, operation_id, dead.attempt, {"done": 1000})
    reply = await read(project, operation_id)
    assert (reply["state"], reply["done"], reply["attempt"]) == ("finished", 2, 2)


async def test_waiting_operation_is_cancelled_at_once_and_a_running_one_before_its_next_batch(project: Scene) -> None:
    async def cancel_itself(position: int) -> None:
        if position == 1:
            async with project.as_("owner") as client:
                reply = (await client.post(f"/api/operations/{operation_id}/cancel/")).json()
            assert (reply["state"], reply["cancel_requested_at"] is not None) == ("running", True)

    with kind("tests.count", cancel_itself, is_long=True):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
        reply = await read(project, operation_id)
        assert (reply["state"], reply["done"], reply["error"]) == ("cancelled", 2, None)
        waiting = await started(project)
        async with project.as_("owner") as client:
            for _ in range(2):
                answer = await client.post(f"/api/operations/{waiting}/cancel/")
                assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        await run_operation(project.work, waiting)
        assert (await read(project, waiting))["attempt"] == 0


async def test_ended_operation_cannot_be_cancelled(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
    async with project.as_("owner") as client:
        answer = await client.post(f"/api/operations/{operation_id}/cancel/")
    assert (answer.status_code, answer.json()["type"]) == (409, "operation-ended")


async def test_log_keeps_the_newest_lines(project: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_LINES", 3)
    with kind("tests.count"):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
    assert await lines(project, operation_id) == ["row 2", "row 3", "row 4"]
    assert await project.sql("select logged from operations") == [(ROWS,)]


async def test_operations_are_listed_newest_first_by_state_and_kind(project: Scene) -> None:
    with kind("tests.count"), kind("tests.other"):
        first, second = await started(project), await started(project, "tests.other")
        await run_operation(project.work, first)
    async with project.as_("owner") as client:

        async def listed(**filters: Any) -> list[str]:
            return [row["id"] for row in (await client.get("/api/operations/", params=filters)).json()["items"]]

        assert await listed() == [str(second), str(first)]
        assert await listed(state="finished") == [str(first)]
        assert await listed(kind="tests.other") == [str(second)]
        assert (await client.get("/api/operations/", params={"state": "done"})).status_code == 422


async def test_expired_operation_is_deleted_with_its_log(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
        await run_operation(project.work, operation_id)
    await project.sql("update operations set expires_at = now() - interval '1 second'")
    async with project.work.db() as db:
        assert await queries.delete_expired(db, limit=10) == 1
    assert await project.sql("select count(*) from operation_lines") == [(0,)]


async def test_kind_that_this_process_does_not_know_waits_for_one_that_does(project: Scene) -> None:
    with kind("tests.count"):
        operation_id = await started(project)
    await run_operation(project.work, operation_id)
    assert (await read(project, operation_id))["state"] == "waiting"
