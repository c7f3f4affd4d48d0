"""Which batches a worker may lease: what fits its memory, for as long as it may keep them."""

from pathlib import Path
from typing import Any

import pytest

from ai_manager.access.state import Scope
from ai_manager.batches.expire import expire_leases
from tests.support.make.ai_manager import (
    Manager,
    job_request,
    manager_settings,
    model_entry,
    opened_manager,
    species_entry,
    stage,
)
from trapper_schemas.v1.batches import ClaimReply

DAY = 24 * 3600.0
SPECIES = {"kind": "classification", "model": {"name": "test-species", "version": "1", "sha256": "b" * 64}}


def _large(**changes: Any) -> dict[str, Any]:
    return stage(model={"name": "large", "version": "1", "sha256": "c" * 64}, **changes)


async def test_models_that_do_not_fit_together_are_not_offered(manager: Manager, expert: dict[str, str]) -> None:
    await manager.publish(model_entry(name="large", sha256="c" * 64, size_bytes=1000), species_entry(size_bytes=500))
    both = await manager.planned(expert, job_request(3, stages=[_large(), SPECIES]))
    one = await manager.planned(expert, job_request(3, stages=[_large()]))
    machine = await manager.worker()
    assert [lease.job_id for lease in await machine.claim(limit=5, memory_bytes=999)] == []
    assert [lease.job_id for lease in await machine.claim(limit=5, memory_bytes=1499)] == [one]
    assert [lease.job_id for lease in await machine.claim(limit=5, memory_bytes=1500)] == [both]


async def test_a_model_of_unknown_size_is_offered_to_everybody(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    assert len(await machine.claim(memory_bytes=1)) == 1


async def test_a_lease_of_days_is_for_workers_that_were_enrolled_for_it(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert, job_request(9))
    ordinary, traveller = await manager.worker(), await manager.worker(offline=True)
    (lease,) = await ordinary.claim(offline_seconds=3 * DAY)
    assert lease.expires_in_seconds == 30.0
    (lease,) = await traveller.claim(offline_seconds=3 * DAY)
    assert lease.expires_in_seconds == 3 * DAY
    (lease,) = await traveller.claim()
    assert lease.expires_in_seconds == 30.0, "only when it asks for it"


async def test_a_lease_of_days_is_not_taken_back_before_its_time(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert)
    machine = await manager.worker(offline=True)
    (lease,) = await machine.claim(offline_seconds=2 * DAY)
    await manager.answered_long()
    await manager.execute("update batches set lease_expires_at = lease_expires_at - interval '47 hours'")
    await manager.execute("update workers set seen_at = seen_at - interval '47 hours'")
    assert await expire_leases(manager.work) == 0
    assert (await machine.finish(lease)).status_code == 200
    assert (await manager.job(expert, job_id)).state.value == "finished"


async def test_it_ends_with_the_credential_and_with_what_the_operator_allows(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, offline_lease_days=2)
    async with opened_manager(settings) as manager:
        await manager.publish()
        await manager.planned(await manager.token(Scope.JOBS), job_request(6))
        machine = await manager.worker(offline=True)
        (lease,) = await machine.claim(offline_seconds=30 * DAY)
        assert lease.expires_in_seconds == 2 * DAY
        await manager.execute("update tokens set expires_at = now() + interval '1 day' where worker_id is not null")
        (lease,) = await machine.claim(offline_seconds=30 * DAY)
        assert DAY - 60 < lease.expires_in_seconds <= DAY + 1
        assert await manager.broken(grace_seconds=60) == {
            "credentials": [str(found) for found in await _longer(manager)]
        }


async def _longer(manager: Manager) -> list[str]:
    """The lease that was given while the credential was good for longer."""
    rows = await manager.rows("select id from batches where lease_expires_at > now() + interval '30 hours'")
    return [row["id"] for row in rows]


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_lease_is_shorter_than_nothing(manager: Manager, seconds: float) -> None:
    machine = await manager.worker(offline=True)
    answer = await manager.http.post(
        "/api/resource_batches/claim/",
        json={"runtime": "onnx-cpu", "offline_seconds": seconds},
        headers=machine.headers,
    )
    assert answer.status_code == 422


async def test_labels_that_several_leases_repeat_cost_almost_nothing_on_the_way(
    manager: Manager, expert: dict[str, str]
) -> None:
    entry = species_entry()
    names = [f"species {number}" for number in range(3000)]
    labels = [{"label": f"{name}, one of very many", "scientific_name": f"Genus {name}"} for name in names]
    await manager.publish({**entry, "spec": {**entry["spec"], "labels": labels}})
    await manager.planned(expert, job_request(18, stages=[stage(), SPECIES]))
    machine = await manager.worker()

    async def claim(coding: str) -> tuple[str | None, int, ClaimReply]:
        answer = await manager.http.post(
            "/api/resource_batches/claim/",
            json={"runtime": "onnx-cpu", "limit": 2},
            headers={**machine.headers, "Accept-Encoding": coding},
        )
        reply = ClaimReply.model_validate(answer.json())
        return answer.headers.get("Content-Encoding"), answer.num_bytes_downloaded, reply

    plain = await claim("gzip, zstd;q=0")
    small = await claim("gzip, zstd")
    assert (plain[0], small[0]) == (None, "zstd")
    assert len(small[2].batches) == len(plain[2].batches) == 2
    assert small[2].batches[0].stages == plain[2].batches[0].stages
    assert small[1] < plain[1] / 10
    await manager.execute("update batches set state = 'cancelled' where state = 'waiting'")
    assert (await claim("zstd"))[0] is None, "what is short goes as it is"
