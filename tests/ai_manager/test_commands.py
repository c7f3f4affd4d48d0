"""The operator's commands as processes, and one job over real HTTP, with web and task processes killed on the way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Machine, Manager, job_request, manager_settings, opened_manager
from tests.support.managers import PATIENCE_SECONDS
from tests.support.workers import eventually
from trapper_cli import ports
from trapper_schemas.v1.jobs import JobReply
from trapper_schemas.v1.workers import EnrolmentReply

WEIGHTS = Path(__file__).parents[2] / "models" / "weights"


@pytest.fixture
def environment(ai_manager_database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AI_MANAGER_")},
        "AI_MANAGER_TASKS_ADDRESS": "127.0.0.1:0",
        "AI_MANAGER_DATABASE_URL": ai_manager_database_url,
        "AI_MANAGER_SECRET_KEY": "a key for tests only, long enough",
        "AI_MANAGER_BLOBS_DIR": str(tmp_path / "blobs"),
        "AI_MANAGER_BATCH_SIZE": "3",
        "AI_MANAGER_INTERVALS__SWEEP": "0.1",
        "AI_MANAGER_INTERVALS__LOCK": "0.1",
    }


async def run(environment: dict[str, str], *arguments: str, said: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ai_manager.commands",
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate(said.encode())
    return process.returncode or 0, out.decode(), error.decode()


@contextmanager
def started(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "ai_manager.commands", *arguments], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


async def test_refusals_are_sentences_with_an_exit_code(environment: dict[str, str]) -> None:
    without = {name: value for name, value in environment.items() if name != "AI_MANAGER_DATABASE_URL"}
    code, _, error = await run(without, "issue_token", "--name", "x", "--scope", "jobs")
    assert code == 2
    assert "AI_MANAGER_DATABASE_URL" in error
    code, _, error = await run({**environment, "AI_MANAGER_TYPO": "1"}, "doctor")
    assert code == 2
    assert "AI_MANAGER_TYPO" in error
    away = environment | {"AI_MANAGER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    code, _, error = await run(away, "doctor", "--json")
    assert code == 1
    assert "Traceback" not in error


async def test_doctor_finds_what_is_broken(environment: dict[str, str], tmp_path: Path) -> None:
    settings = manager_settings(environment["AI_MANAGER_DATABASE_URL"], tmp_path)
    async with opened_manager(settings) as manager:
        await manager.publish()
        await manager.planned(await manager.token(Scope.JOBS))
        machine = await manager.worker()
        await machine.claim()
        code, out, _ = await run(environment, "doctor", "--json")
        assert (code, json.loads(out)["ok"]) == (0, True)
        await manager.execute("update batches set lease_expires_at = now() - interval '1 hour'")
        await manager.execute("update jobs set planned_through = 2")
        code, out, _ = await run(environment, "doctor", "--json")
        checks = {check["name"]: check for check in json.loads(out)["checks"]}
        assert code == 1
        assert [name for name, check in checks.items() if not check["ok"]] == ["expiry", "leaves", "chunks"]


@asynccontextmanager
async def ready(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield http


async def _closed(http: httpx.AsyncClient, headers: dict[str, str], job_id: UUID) -> JobReply:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await http.get(f"/api/prediction_jobs/{job_id}/", headers=headers)
            job = JobReply.model_validate(answer.json())
            if job.closed_at is not None:
                return job
            await asyncio.sleep(0.05)


async def test_a_token_that_is_known_elsewhere_is_good_here_too_until_it_ends(environment: dict[str, str]) -> None:
    words = ("issue_token", "--name", "script", "--scope", "jobs", "--token-stdin", "--json")
    known = "made-by-somebody-else-and-long-enough"
    until = ("--expires-at", "2100-01-01T00:00:00+00:00")
    code, out, error = await run(environment, *words, *until, said=known)
    assert (code, json.loads(out)["token"]) == (0, known), error
    for said, more, why in (
        ("short", (), "20 to 200 characters"),
        (known, ("--expires-at", "tomorrow"), "--expires-at"),
        (known, ("--expires-at", "2100-01-01T00:00:00"), "no time zone"),
    ):
        code, out, error = await run(environment, *words, *more, said=said)
        assert (code, out) == (2, "")
        assert why in error
        assert "Traceback" not in error


async def test_a_job_goes_through_real_processes_that_are_killed_on_the_way(environment: dict[str, str]) -> None:
    sync, token, enrolment = await asyncio.gather(
        run(environment, "sync_models_from_schemas", "--weights", str(WEIGHTS), "--json"),
        run(environment, "issue_token", "--name", "expert", "--scope", "jobs", "--json"),
        run(environment, "issue_enrolment", "--runtime", "onnx-cpu", "--uses", "1", "--minutes", "5", "--json"),
    )
    assert sorted(json.loads(sync[1])["seeded"]) == ["demo-detector", "demo-species"]
    headers = {"Authorization": f"Bearer {json.loads(token[1])['token']}", "Trapper-Protocol": "1"}
    port = ports.choose()
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--host", "127.0.0.1", "--port", str(port))
    with started(environment, *serve) as web, started(environment, "tasks") as tasks:
        async with ready(url) as http:
            enrolled = await http.post(
                "/api/workers/",
                json={"name": "m", "version": "1", "runtimes": ["onnx-cpu"]},
                headers={"Authorization": f"Bearer {json.loads(enrolment[1])['token']}"},
            )
            reply = EnrolmentReply.model_validate(enrolled.json())
            machine = Machine(
                Manager(None, None, http),  # type: ignore[arg-type]  # only its client is used here
                reply.worker_id,
                {"Authorization": f"Bearer {reply.credential}"},
            )
            models = (await http.get("/api/models/", params={"name": "demo-detector"}, headers=headers)).json()
            chosen = {name: models["items"][0][name] for name in ("name", "version", "sha256")}
            body = job_request(7, stages=[{"kind": "detection", "model": chosen}])
            job_id = UUID((await machine.manager.submit(headers, body)).json()["id"])
            (lease,) = await eventually(lambda: machine.claim(wait_seconds=5))
            os.kill(web.pid, signal.SIGKILL)
            os.kill(tasks.pid, signal.SIGKILL)
    with started(environment, *serve), started(environment, "tasks"):
        async with ready(url) as http:
            machine.manager.http = http
            assert (await machine.finish(lease, found=[0])).status_code == 200
            while leases := await machine.claim(limit=5):
                for one in leases:
                    assert (await machine.finish(one)).status_code == 200
            job = await _closed(http, headers, job_id)
            assert (job.state.value, job.counts.done, job.counts.blank) == ("finished", 1, 6)
            listed = (await http.get(f"/api/prediction_jobs/{job_id}/results/", headers=headers)).json()["items"]
            assert len(listed) == 3
    code, out, _ = await run(environment, "doctor", "--json")
    assert (code, json.loads(out)["ok"]) == (0, True), out
