"""`trapper operations` on a real Expert."""

import asyncio
import json
from pathlib import Path

import pytest

from expert.app import create_app
from expert.operations.run import run_operation
from tests.expert.jobs.test_make_jobs import started
from tests.support.http_servers import serving
from tests.support.make.expert_ai import expert, scene
from trapper_client.app import run


async def test_operation_is_listed_watched_and_cancelled(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with expert(expert_database_url, tmp_path, job_max_resources=2) as work:
        made = await scene(work)
        done, waiting = await started(made), await started(made)
        await run_operation(work, done)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])

            async def trapper(*arguments: str) -> tuple[int, str]:
                code = await asyncio.to_thread(run, ["operations", *arguments])
                return code, capsys.readouterr().out

            code, listed = await trapper("list", "--json")
            assert code == 0
            assert [row["id"] for row in json.loads(listed)["items"]] == [str(waiting), str(done)]
            code, watched = await trapper("watch", str(done))
            assert (code, watched) == (0, "finished: 3 of 3\n")
            code, cancelled = await trapper("cancel", str(waiting))
            assert (code, cancelled) == (0, f"Operation {waiting}: cancelled.\n")
            assert (await trapper("watch", str(waiting), "--json"))[0] == 1
            await made.sql("update classification_project_collections set revoked_at = now()")
            await made.sql(
                "update operations set state = 'waiting', ended_at = null, expires_at = null where id = :id", id=done
            )
            await run_operation(work, done)
            code, log = await trapper("log", str(done), "--errors")
            assert code == 0
            assert "error: " in log
            assert "ended the link" in log
