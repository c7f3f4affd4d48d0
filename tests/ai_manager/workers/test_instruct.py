"""Operators tell workers to pause, to go on, to leave, or that they are workers no more."""

import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Manager, job_request


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    return await manager.token(Scope.OPERATE, name="operator")


async def _tell(manager: Manager, operator: dict[str, str], path: str) -> int:
    answer = await manager.http.post(f"/api/workers/{path}/", headers=operator)
    assert answer.status_code == 200, answer.text
    return answer.json()["workers"]


async def _state(manager: Manager, operator: dict[str, str], worker_id: object) -> str:
    return (await manager.http.get(f"/api/workers/{worker_id}/", headers=operator)).json()["state"]


async def test_one_worker_is_paused_resumed_and_drained(
    manager: Manager, expert: dict[str, str], operator: dict[str, str]
) -> None:
    await manager.planned(expert, job_request(30))
    machine, other = await manager.worker(), await manager.worker()
    (held,) = await machine.claim()
    assert await _tell(manager, operator, f"{machine.id}/pause") == 1
    assert await _state(manager, operator, machine.id) == "paused"
    reply = await machine.beat(held)
    assert (reply.paused, reply.drain, len(reply.leases)) == (True, False, 1)
    assert await machine.claim() == []
    assert len(await other.claim()) == 1
    assert await _tell(manager, operator, f"{machine.id}/drain") == 1
    assert await _state(manager, operator, machine.id) == "draining"
    assert (await machine.beat(held)).drain is True
    assert await _tell(manager, operator, f"{machine.id}/resume") == 1
    assert await _state(manager, operator, machine.id) == "alive"
    reply = await machine.beat(held)
    assert (reply.paused, reply.drain) == (False, False)
    assert len(await machine.claim()) == 1


async def test_all_of_them_are_told_at_once(manager: Manager, operator: dict[str, str]) -> None:
    machines = [await manager.worker() for _ in range(3)]
    await manager.http.post(f"/api/workers/{machines[0].id}/revoke/", headers=operator)
    assert await _tell(manager, operator, "pause") == 2
    assert [(await machine.beat()).paused for machine in machines[1:]] == [True, True]
    assert await _tell(manager, operator, "resume") == 2
    assert [(await machine.beat()).paused for machine in machines[1:]] == [False, False]


async def test_a_revoked_worker_is_nobody_and_its_batches_wait_again(
    manager: Manager, expert: dict[str, str], operator: dict[str, str]
) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    await machine.claim()
    path = f"/api/workers/{machine.id}/revoke/"
    assert (await manager.http.post(path, headers=operator)).status_code == 204
    assert await _state(manager, operator, machine.id) == "revoked"
    assert "batches.expire" in {enqueue_after_commit.actor for enqueue_after_commit in manager.sent}
    again = await manager.http.post(path, headers=operator)
    assert (again.status_code, again.json()["type"]) == (404, "worker-not-found")


@pytest.mark.parametrize("path", ["{id}/pause/", "{id}/revoke/", "pause/"])
async def test_a_worker_and_an_expert_may_not(manager: Manager, expert: dict[str, str], path: str) -> None:
    machine = await manager.worker()
    for headers in (machine.headers, expert):
        answer = await manager.http.post(f"/api/workers/{path.format(id=machine.id)}", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "forbidden")


async def test_a_worker_that_is_not_there_is_said_so(manager: Manager, operator: dict[str, str]) -> None:
    unknown = "01890000-0000-7000-8000-000000000099"
    for method, path in (("GET", f"{unknown}/"), ("POST", f"{unknown}/pause/"), ("POST", f"{unknown}/revoke/")):
        answer = await manager.http.request(method, f"/api/workers/{path}", headers=operator)
        assert (answer.status_code, answer.json()["type"]) == (404, "worker-not-found")
    assert (await manager.http.post("/api/workers/explode/", headers=operator)).status_code in {404, 405}
