"""The list of closed batches: the oldest hundred that nobody has fetched, or page by page all that is kept."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from ai_manager.access.state import Scope
from ai_manager.batches.state import BatchState
from ai_manager.jobs.compact import compact_job
from tests.support.make.ai_manager import Manager, job_request, manager_settings, opened_manager

BATCHES = 103


async def _listed(manager: Manager, headers: dict[str, str], job_id: UUID, **params: Any) -> list[str]:
    answer = await manager.http.get(f"/api/prediction_jobs/{job_id}/results/", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["batch_id"] for item in answer.json()["items"]]


async def _fetched(manager: Manager, headers: dict[str, str], batch_id: str) -> httpx.Response:
    return await manager.http.post(f"/api/resource_batches/{batch_id}/fetched/", headers=headers)


async def test_a_list_of_more_than_a_hundred_is_worked_off_from_its_oldest_end(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, batch_size=1, waiting_base=BATCHES)
    async with opened_manager(settings) as manager:
        await manager.publish()
        expert = await manager.token(Scope.JOBS)
        job_id = await manager.planned(expert, job_request(BATCHES))
        machine = await manager.worker()
        closed: list[str] = []
        while leases := await machine.claim(limit=64):
            for lease in reversed(leases):  # batches finish out of order
                assert (await machine.finish(lease)).status_code == 200
                closed.append(str(lease.batch_id))
        assert len(closed) == BATCHES
        job = await manager.job(expert, job_id)
        assert (job.state.value, job.unacknowledged) == ("finished", BATCHES)
        await compact_job(manager.work, job_id)

        assert await _listed(manager, expert, job_id) == closed[:100]
        for batch_id in closed[:100]:
            assert (await _fetched(manager, expert, batch_id)).status_code == 204
        assert await _listed(manager, expert, job_id) == closed[100:]

        pages, after = list[list[str]](), dict[str, str]()
        while page := await _listed(manager, expert, job_id, include="acknowledged", **after):
            pages.append(page)
            after = {"after": page[-1]}
        assert [len(page) for page in pages] == [100, 3]
        assert [one for page in pages for one in page] == sorted(closed)
        assert (await manager.job(expert, job_id)).unacknowledged == 3
        states = await manager.rows("select distinct state from finished_batches")
        assert [row["state"] for row in states] == [BatchState.DONE]
        assert await manager.broken() == {}
