"""One photo through all three services, and again with every kind of mishap; the end is equal each time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.flow.photo_run import PhotoRun, Project, make_project
from tests.flow.stack import Stack
from tests.flow.steps import PROCESSES, STEPS, Step
from tests.support.database import Databases
from trapper_cli.servers.valkey import EmbeddedValkey

KILLED_AT = [step for step in STEPS if step.name in {"receive", "plan", "look", "keep and deliver", "save", "fetch"}]
"""Each process once, where most is at stake; the slow proof kills every process at every step."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
async def stack(databases: Databases, valkey: EmbeddedValkey) -> AsyncIterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="trapper-flow-", ignore_cleanup_errors=True) as folder:
        started = Stack(Path(folder), databases, valkey)
        try:
            await started.start()
            yield started
        finally:
            await started.stop()


@pytest.fixture(scope="module")
async def project(stack: Stack) -> Project:
    return await make_project(stack)


@pytest.fixture(scope="module")
async def undisturbed(stack: Stack, project: Project) -> dict[str, Any]:
    """Where a photo ends when nothing happens to it: the measure of all the others."""
    photo_run = PhotoRun(stack, project)
    await photo_run.upload()
    return await photo_run.finish()


async def test_one_photo_in_one_approved_classification_out(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["originals in the store"] == 1
    assert undisturbed["jobs"] == [("finished", 1, 1, 0, 0, "done")]
    assert undisturbed["classifications"] == [("ai", True, True, None), ("final", True, False, True)]
    assert [kind for kind, *_ in undisturbed["observations"]] == ["animal"]
    assert undisturbed["spooled"] == []
    provider = "CPUExecutionProvider"
    assert undisturbed["stamps"] == [("demo-detector", provider, True), ("demo-species", provider, True)]


async def disturbed(stack: Stack, project: Project, step: Step, process: str) -> dict[str, Any]:
    """The same run, with one process killed when the step is reached."""
    photo_run = PhotoRun(stack, project)
    killing = asyncio.create_task(kill_when(photo_run, step, process))
    await photo_run.upload()
    await killing
    return await photo_run.finish()


async def kill_when(photo_run: PhotoRun, step: Step, process: str) -> None:
    await photo_run.until(step.reached, step.name)
    photo_run.stack.kill(process)


@pytest.mark.parametrize("step", KILLED_AT, ids=lambda step: step.name.replace(" ", "-"))
async def test_a_killed_holder_changes_nothing(
    stack: Stack, project: Project, undisturbed: dict[str, Any], step: Step
) -> None:
    assert await disturbed(stack, project, step, step.holder) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name.replace(" ", "-"))
async def test_whoever_is_killed_at_whatever_step_changes_nothing(
    stack: Stack, project: Project, undisturbed: dict[str, Any], step: Step, process: str
) -> None:
    assert await disturbed(stack, project, step, process) == undisturbed


async def test_a_valkey_that_is_flushed_all_the_time_changes_nothing(
    stack: Stack, project: Project, undisturbed: dict[str, Any], valkey: EmbeddedValkey
) -> None:
    async def flush() -> None:
        client = redis.Redis.from_url(valkey.url)
        while True:
            await asyncio.to_thread(client.flushall)
            await asyncio.sleep(0.02)

    photo_run = PhotoRun(stack, project)
    flushing = asyncio.create_task(flush())
    try:
        await photo_run.upload()
        assert await photo_run.finish() == undisturbed
    finally:
        flushing.cancel()
        with suppress(asyncio.CancelledError):
            await flushing


@pytest.mark.parametrize("tamper", ["drop", "double"])
async def test_messages_that_are_all_dropped_or_all_doubled_change_nothing(
    stack: Stack, project: Project, undisturbed: dict[str, Any], tamper: str
) -> None:
    await stack.restart(tamper)
    try:
        photo_run = PhotoRun(stack, project)
        await photo_run.upload()
        assert await photo_run.finish() == undisturbed
    finally:
        await stack.restart(None)


async def test_after_all_of_it_every_invariant_holds(stack: Stack, undisturbed: dict[str, Any]) -> None:
    found: dict[str, object] = {}
    for _ in range(400):
        found = await stack.doctors()
        if not any(found.values()):
            break
        await asyncio.sleep(0.2)
    assert found == {"expert": [], "ai_manager": [], "ai_worker": []}
