"""The one call with which a worker stays alive: what it settles, and what a lost reply costs (nothing)."""

import asyncio
from datetime import timedelta

import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Machine, Manager, job_request
from trapper_schemas.protocol import PROTOCOL


async def test_what_a_worker_does_not_name_when_it_names_all_waits_again_at_no_loss(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert, job_request(9))
    machine, other = await manager.worker(), await manager.worker()
    held, lost = await machine.claim(limit=2)
    (foreign,) = await other.claim()
    reply = await machine.beat(held, complete=True)
    assert [one.batch_id for one in reply.leases] == [held.batch_id]
    (again,) = await machine.claim()
    assert (again.batch_id, again.attempt) == (lost.batch_id, 2)
    rows = await manager.rows("select losses, crashes, expiries from batches where id = :b", b=lost.batch_id)
    assert rows == [{"losses": 0, "crashes": 0, "expiries": 0}]
    assert (await other.beat(foreign)).lost == []
    assert (await machine.finish(lost)).json()["type"] == "lease-lost"
    assert (await machine.finish(again)).status_code == 200


async def test_a_complete_heartbeat_that_is_repeated_later_takes_back_no_newer_lease(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    (held,) = await machine.claim()
    assert (await machine.beat(held, complete=True, number=7)).newest_number == 7
    (newer,) = await machine.claim()
    for late in (7, 6):
        reply = await machine.beat(held, complete=True, number=late)
        assert (reply.newest_number, [lease.batch_id for lease in reply.leases]) == (7, [held.batch_id])
    assert (await machine.beat(held, newer, complete=True, number=8)).lost == []
    assert (await machine.finish(newer)).status_code == 200


async def test_a_plain_heartbeat_gives_nothing_back(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    held, unnamed = await machine.claim(limit=2)
    await machine.beat(held)
    assert (await machine.finish(unnamed)).status_code == 200


async def test_a_lease_named_with_the_token_of_an_earlier_attempt_is_not_named(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (first,) = await machine.claim()
    await machine.release(first, "draining")
    await machine.claim()  # its reply is lost
    reply = await machine.beat(first, complete=True)
    assert (reply.leases, reply.lost) == ([], [first.batch_id])
    (third,) = await machine.claim()
    assert (third.batch_id, third.attempt) == (first.batch_id, 3)


async def test_complete_heartbeats_renewals_and_cancelling_at_once_stand_in_nobodys_way(
    manager: Manager, expert: dict[str, str]
) -> None:
    machine = await manager.worker()
    for _ in range(6):
        job_id = await manager.planned(expert, job_request(12))
        held, *_ = await machine.claim(limit=4)
        await asyncio.gather(
            machine.beat(held, complete=True),
            machine.beat(held),
            manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert),
        )
    states = {row["state"] for row in await manager.rows("select distinct state from batches")}
    assert states == {"cancelled"}
    assert await manager.broken() == {}


async def test_what_its_devices_do_is_seen_in_the_fleet(manager: Manager) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    machine = await manager.worker()
    await machine.beat(devices=[{"name": "gpu 0", "busy": 0.75, "memory_bytes": 1024}], load=3.5)
    await machine.beat(load=2.5)
    seen = (await manager.http.get(f"/api/workers/{machine.id}/", headers=operator)).json()
    assert seen["device_load"] == [{"name": "gpu 0", "busy": 0.75, "memory_bytes": 1024}], "unsaid is unchanged"
    assert seen["load"] == 2.5


async def _age(manager: Manager, days: float) -> None:
    """Every credential was issued so many days ago."""
    age = timedelta(days=days)
    await manager.execute(
        "update tokens set created_at = created_at - cast(:age as interval), "
        "expires_at = expires_at - cast(:age as interval) where worker_id is not null",
        age=age,
    )


def _with(machine: Machine, credential: str | None) -> Machine:
    assert credential is not None
    headers = {"Authorization": f"Bearer {credential}", "Trapper-Protocol": str(PROTOCOL)}
    return Machine(machine.manager, machine.id, headers, machine.runtime)


async def test_a_young_credential_is_left_alone(manager: Manager) -> None:
    machine = await manager.worker()
    await _age(manager, 20)
    reply = await machine.beat()
    assert (reply.credential, reply.credential_expires_at) == (None, None)


async def test_a_credential_is_exchanged_before_it_ends_and_the_old_one_is_good_for_a_day_more(
    manager: Manager,
) -> None:
    machine = await manager.worker()
    await _age(manager, 40)
    reply = await machine.beat()
    assert reply.credential_expires_at is not None
    assert reply.credential_expires_at > manager.work.clock.now() + timedelta(days=89)
    renewed = _with(machine, reply.credential)
    assert (await renewed.beat()).credential is None
    rows = await manager.rows("select expires_at < now() + interval '25 hours' as soon from tokens "
                              "where worker_id = :w order by created_at", w=machine.id)  # fmt: skip
    assert [row["soon"] for row in rows] == [True, False]
    await machine.beat()
    await manager.execute("update tokens set expires_at = now() where expires_at < now() + interval '25 hours'")
    answer = await manager.http.post(f"/api/workers/{machine.id}/heartbeat/", json={}, headers=machine.headers)
    assert answer.status_code == 401
    await renewed.beat()


async def test_a_lost_reply_costs_nothing(manager: Manager) -> None:
    machine = await manager.worker()
    await _age(manager, 40)
    lost = (await machine.beat()).credential
    assert (await machine.beat()).credential is None, "not with every heartbeat"
    await _age(manager, 0.01)
    again = (await machine.beat()).credential
    assert again is not None
    assert again != lost
    await _with(machine, again).beat()
    nobody = await manager.http.post(
        f"/api/workers/{machine.id}/heartbeat/", json={}, headers=_with(machine, lost).headers
    )
    assert nobody.status_code == 401, "what nobody has is worth nothing"


async def test_a_revoked_worker_gets_no_other_credential(manager: Manager) -> None:
    operator = await manager.token(Scope.OPERATE, name="operator")
    machine = await manager.worker()
    await _age(manager, 40)
    renewed = _with(machine, (await machine.beat()).credential)
    await manager.http.post(f"/api/workers/{machine.id}/revoke/", headers=operator)
    for one in (machine, renewed):
        answer = await manager.http.post(f"/api/workers/{machine.id}/heartbeat/", json={}, headers=one.headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("days", [7])
async def test_a_heartbeat_never_makes_a_lease_shorter(manager: Manager, expert: dict[str, str], days: int) -> None:
    await manager.planned(expert)
    machine = await manager.worker(offline=True)
    (lease,) = await machine.claim(offline_seconds=30 * 24 * 3600)
    assert lease.expires_in_seconds == days * 24 * 3600
    (renewed,) = (await machine.beat(lease)).leases
    assert renewed.expires_in_seconds > days * 24 * 3600 - 600
