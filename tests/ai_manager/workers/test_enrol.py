"""Becoming a worker, staying one, and being seen in the fleet."""

import asyncio
from datetime import timedelta

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Manager, job_request


async def test_an_enrolment_token_is_good_once_for_its_runtimes(manager: Manager) -> None:
    token = await manager.enrolment(runtimes=["onnx-cpu"])
    wrong = await manager.enrol(token, runtimes=["hailo"])
    assert (wrong.status_code, wrong.json()["type"]) == (403, "runtime-not-allowed")
    first = await manager.enrol(token, runtimes=["onnx-cpu", "hailo"])
    assert (first.status_code, first.json()["runtimes"]) == (201, ["onnx-cpu"]), "a refusal spends no use"
    second = await manager.enrol(token)
    assert (second.status_code, second.json()["type"]) == (401, "enrolment-refused")


async def test_many_machines_with_one_token_get_as_many_credentials_as_it_has_uses(manager: Manager) -> None:
    token = await manager.enrolment(uses=2)
    answers = await asyncio.gather(*(manager.enrol(token) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401, 401]
    assert len({answer.json()["worker_id"] for answer in answers if answer.status_code == 201}) == 2


async def test_an_old_enrolment_token_is_refused(manager: Manager) -> None:
    answer = await manager.enrol(await manager.enrolment(minutes=-1))
    assert answer.json()["type"] == "enrolment-refused"


async def test_a_worker_is_told_every_interval_and_its_end(manager: Manager) -> None:
    reply = (await manager.enrol(await manager.enrolment())).json()
    assert reply["intervals"] == {
        "lease_seconds": 30.0,
        "renew_seconds": 5.0,
        "poll_seconds": 2.0,
        "retry_seconds": 2.0,
    }
    assert reply["credential_expires_at"] > (manager.work.clock.now() + timedelta(days=89)).isoformat()


async def test_a_heartbeat_is_only_ones_own(manager: Manager) -> None:
    machine, other = await manager.worker(), await manager.worker()
    answer = await manager.http.post(f"/api/workers/{other.id}/heartbeat/", json={}, headers=machine.headers)
    assert (answer.status_code, answer.json()["type"]) == (404, "not-found")


async def test_pause_and_drain_are_told_and_hand_out_nothing(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    await manager.execute("update workers set paused = true, drain = true")
    reply = await machine.beat()
    assert (reply.paused, reply.drain) == (True, True)
    assert await machine.claim() == []


async def test_the_fleet_and_the_queue_are_seen_by_operators(manager: Manager, expert: dict[str, str]) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    await manager.planned(expert, job_request(9))
    machine = await manager.worker()
    await machine.claim(limit=2)
    await machine.beat(images_per_second={"a" * 64: 2.5}, load=0.5)
    fleet = (await manager.http.get("/api/workers/", headers=operator)).json()
    assert [(one["state"], one["leases"], one["images_per_second"]) for one in fleet["items"]] == [
        ("alive", 2, {"a" * 64: 2.5})
    ]
    (queue,) = (await manager.http.get("/api/queues/", headers=operator)).json()["items"]
    assert (queue["runtimes"], queue["waiting"], queue["leased"]) == (["onnx-cpu", "onnx-cuda", "onnx-tensorrt"], 1, 2)
    assert (queue["resources"], queue["workers"]) == (9, 1)
    assert 0 <= queue["oldest_waiting_seconds"] < 60
