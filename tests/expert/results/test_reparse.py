"""A re-parse writes only rows of its own job, and a batch whose files are not the job's is refused."""

from pathlib import Path
from uuid import UUID

from expert.jobs.end import end_job
from expert.jobs.state import JobStage
from expert.results.apply import apply_batch
from tests.support.make.expert_ai import OTHER_FILES, Scene, applied, asked_again, expert, received, scene, submitted
from tests.support.make.results import column, results
from trapper_schemas.ids import uuid7

JOBS = "/api/ai-classification-jobs/"


async def finish(made: Scene, job_id: UUID, *, score: int) -> UUID:
    """Finish a job in which one photo has an animal of this score."""
    answer = results(batch_id=uuid7(), resource_ids=made.resource_ids, score=column("<u2", [score]))
    await applied(made, job_id, answer)
    await made.sql("update received_batches set acknowledged_at = now()")
    async with made.work.db() as db:
        await end_job(db, job_id, JobStage.FINISHED, now=made.work.clock.now(), settled=True)
    return job_id


async def reparse(made: Scene, job_id: UUID, threshold: float) -> None:
    """Parse a job again under another threshold, up to its end."""
    async with made.as_("owner") as client:
        answer = await client.post(f"{JOBS}{job_id}/reparse_results/", json={"detection_threshold": threshold})
        assert answer.status_code == 200, answer.text
    for (batch_id,) in await made.sql("select id from received_batches where job_id = :job", job=job_id):
        await apply_batch(made.work, batch_id)


async def test_a_reparse_of_an_older_job_leaves_the_rows_of_newer_ones_current(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        older = await finish(made, await submitted(made), score=60000)
        newer = await finish(made, await asked_again(made), score=50000)
        before = await current(made)
        assert {job_id for job_id, _ in before} == {older, newer}  # blank twice says the same, so the older row stays
        await reparse(made, older, 0.99)
        assert await current(made) == before
        async with made.as_("owner") as client:
            parses = (await client.get(f"{JOBS}{older}/parses/")).json()["items"]
        assert [(parse["version"], parse["superseded"]) for parse in parses] == [(1, None), (2, 1)]
        assert parses[1]["job_config"]["detection_threshold"] == 0.99
        assert parses[1]["created_by"] == str(made.user_ids["owner"])
        assert await made.broken() == {}


async def current(made: Scene) -> list[tuple[UUID, int]]:
    """Job and configuration of each current AI row."""
    return await made.sql(
        "select job_id, job_config_version from classifications"
        " where type = 'ai' and superseded_by_id is null order by resource_id"
    )


async def test_a_reparse_of_the_newest_job_names_its_configuration(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await finish(made, await submitted(made), score=60000)
        await reparse(made, job_id, 0.99)
        assert sorted(version for _, version in await current(made)) == [1, 2]
        assert await made.broken() == {}


async def test_results_of_other_files_than_the_jobs_are_refused(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        answer = results(batch_id=uuid7(), resource_ids=made.resource_ids, media_digest=OTHER_FILES)
        await apply_batch(work, await received(made, job_id, answer))
        ((state, reason),) = await made.sql("select state, reason from received_batches")
        assert (state, reason.split(":")[0]) == ("refused", "media")
        assert await made.sql("select count(*) from classifications where type = 'ai'") == [(0,)]
        assert await made.sql("select stage from ai_classification_jobs") == [("failed",)]
