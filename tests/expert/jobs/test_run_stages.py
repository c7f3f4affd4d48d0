"""What follows the results of a job: an operation for each stage, shown with the job, and run again alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from expert.jobs.end import end_job
from expert.jobs.state import JobStage
from expert.operations.run import run_operation
from tests.expert.jobs.test_ask import JOBS
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_schemas.ids import uuid7

RUNS = "select operation_id from job_stage_runs order by operation_id"


@pytest.fixture
async def made(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        yield await scene(work)


async def ended(made: Scene, stage: JobStage) -> UUID:
    job_id = await submitted(made)
    await applied(made, job_id, results(batch_id=uuid7(), resource_ids=made.resource_ids))
    await made.sql("update received_batches set acknowledged_at = now()")
    async with made.work.db() as db:
        await end_job(db, job_id, stage, now=made.work.clock.now(), error=None if stage is JobStage.FINISHED else "why")
    return job_id


async def rerun(made: Scene, job_id: UUID, key: str, *, stage: str = "sequences") -> tuple[int, str]:
    async with made.as_("owner") as client:
        reply = await client.post(f"{JOBS}{job_id}/after-ingest/{stage}/rerun/", headers={"Idempotency-Key": key})
    return reply.status_code, reply.headers.get("Location") or reply.json()["type"]


async def test_stages_follow_a_finished_job_and_one_is_run_again_alone(made: Scene) -> None:
    job_id = await ended(made, JobStage.FINISHED)
    ((first,),) = await made.sql(RUNS)
    async with made.as_("owner") as client:
        (waiting,) = (await client.get(f"{JOBS}{job_id}/")).json()["after_ingest"]
        assert (waiting["stage"], waiting["state"], waiting["history"]) == ("sequences", "waiting", [])
        assert await rerun(made, job_id, "early") == (409, "stage-still-runs")
        await run_operation(made.work, first)
        status, location = await rerun(made, job_id, "again")
        assert (status, await rerun(made, job_id, "again")) == (202, (202, location))
        second = UUID(location.split("/")[-2])
        await run_operation(made.work, second)
        (stage,) = (await client.get(JOBS, params={"id": str(job_id)})).json()["items"][0]["after_ingest"]
    assert (stage["operation_id"], stage["state"], stage["done"], stage["total"]) == (str(second), "finished", 3, 3)
    assert [run["operation_id"] for run in stage["history"]] == [str(first)]
    assert await made.broken() == {}


async def test_nothing_follows_a_job_that_has_not_finished(made: Scene) -> None:
    job_id = await ended(made, JobStage.FAILED)
    assert await made.sql(RUNS) == []
    assert await rerun(made, job_id, "k") == (409, "job-not-finished")
    assert await rerun(made, job_id, "k", stage="privacy-of-nobody") == (422, "invalid")


async def test_a_stage_whose_job_was_parsed_again_runs_again(made: Scene) -> None:
    job_id = await ended(made, JobStage.FINISHED)
    ((first,),) = await made.sql(RUNS)
    await run_operation(made.work, first)
    async with made.as_("owner") as client:
        assert (await client.post(f"{JOBS}{job_id}/reparse_results/")).is_success
    async with made.work.db() as db:
        await end_job(db, job_id, JobStage.FINISHED, now=made.work.clock.now())
    assert len(await made.sql(RUNS)) == 2
