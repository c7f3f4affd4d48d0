"""A real task process that is killed in the middle of an operation, again and again: its work is whole at the end."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from benchmarks.bench_sequences import fill
from expert.deployments.models import Deployment
from expert.sequences.build import start_build
from tests.support.make.expert_ai import expert, scene
from trapper_schemas.ids import uuid7

DEPLOYMENTS, RESOURCES, KILLS = 400, 2_000, 3
_REACHED = "select from operations where done >= :done and (state = 'finished' or not cast(:is_last as boolean))"


@pytest.mark.slow
async def test_killed_operation_goes_on_where_it_stopped_and_does_nothing_twice(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0)
        deployments = [uuid7() for _ in range(DEPLOYMENTS)]
        async with work.db() as db:
            for each in deployments:
                db.add(Deployment(id=each, research_project_id=made.research_project_id, deployment_id=str(each)))
        await fill(made, 0, RESOURCES - 1, deployments)
        async with work.db() as db:
            operation = await start_build(db, made.linked_collection_id)
        assert operation is not None
        settings = {
            "EXPERT_DATABASE_URL": expert_database_url,
            "EXPERT_SECRET_KEY": work.settings.secret_key.get_secret_value(),
            "EXPERT_MEDIA_DIR": str(tmp_path / "media"),
            "EXPERT_INTERVALS__SWEEP": "0.05",
            "EXPERT_INTERVALS__OPERATION_HEARTBEAT": "0.1",
            "EXPERT_INTERVALS__OPERATION_SILENCE": "0.5",
        }
        for life in range(KILLS + 1):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "expert.commands", "tasks", env={**os.environ, **settings},
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                enough = DEPLOYMENTS * (life + 1) // (KILLS + 2) if life < KILLS else DEPLOYMENTS
                async with asyncio.timeout(60):
                    while not await made.sql(_REACHED, done=enough, is_last=life == KILLS):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            finally:
                process.send_signal(signal.SIGKILL)
                await process.wait()
        ((state, done, attempt),) = await made.sql("select state, done, attempt from operations")
        assert (state, done) == ("finished", DEPLOYMENTS)
        assert attempt == KILLS + 1
        assert await made.sql("select count(*), count(distinct resource_id) from sequence_members") == [
            (RESOURCES, RESOURCES)
        ]
        assert await made.broken() == {}
