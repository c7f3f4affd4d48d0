"""`trapper jobs` on a real Expert."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from expert.app import create_app
from expert.jobs.cover import cover_due
from expert.jobs.end import end_job
from expert.jobs.state import JobStage
from expert.operations.run import run_operation
from tests.support.http_servers import serving
from tests.support.make.expert_ai import applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_client.app import run
from trapper_schemas.ids import uuid7


async def test_job_that_failed_is_one_document_and_exit_code_1_for_a_script(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await cover_due(work)
        ((job_id,),) = await made.sql("select id from ai_classification_jobs")
        async with work.db() as db:
            await end_job(db, job_id, JobStage.FAILED, now=work.clock.now(), error="no model")
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])
            assert await asyncio.to_thread(run, ["jobs", "watch", str(job_id), "--json"]) == 1
            document = json.loads(capsys.readouterr().out)
            assert (document["stage"], document["failed"]) == ("failed", 3)
            assert await asyncio.to_thread(run, ["jobs", "watch", str(job_id)]) == 1
            assert capsys.readouterr().err == f"The job {job_id} ended as failed: no model.\n"


async def test_stages_after_ingest_are_shown_and_run_again(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        await applied(made, job_id, results(batch_id=uuid7(), resource_ids=made.resource_ids))
        await made.sql("update received_batches set acknowledged_at = now()")
        async with work.db() as db:
            await end_job(db, job_id, JobStage.FINISHED, now=work.clock.now(), settled=True)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])
            again = ["jobs", "run-stage", str(job_id), "sequences"]
            assert await asyncio.to_thread(run, again) == 1, "it has not ended yet"
            capsys.readouterr()
            ((operation_id,),) = await made.sql("select id from operations")
            await run_operation(work, operation_id)
            assert await asyncio.to_thread(run, ["jobs", "show", str(job_id)]) == 0
            shown = capsys.readouterr().out
            assert "finished, 3 of 3, 1 failed" in shown
            assert re.search(r"sequences +finished +3 of 3 +1 ", shown)
            assert await asyncio.to_thread(run, again) == 0
            assert "trapper operations watch" in capsys.readouterr().out
