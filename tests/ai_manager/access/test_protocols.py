"""The protocol before this one is served as well, and its callers are told until when."""

from email.utils import parsedate_to_datetime
from uuid import UUID

import pytest

from tests.support.make.ai_manager import Manager
from tests.support.make.results import blob_v1, column, results_v1, seen, stage_run
from trapper_schemas.protocol import ENDINGS, HEADER, PROTOCOL, SERVED, notice

FORMER = PROTOCOL - 1
NOTHING_CLASSIFIED = {
    "classified": column("<u4", []),
    "top_label": column("<u2", [], 1),
    "top_score": column("<u2", [], 1),
}


def test_two_protocols_are_served_and_the_older_one_ends() -> None:
    assert SERVED == (FORMER, PROTOCOL)
    assert list(ENDINGS) == [FORMER]
    ending = ENDINGS[FORMER]
    assert ending.deprecated < ending.sunset
    assert notice(PROTOCOL) is None


@pytest.mark.parametrize("path", ["/api/models/", f"/api/prediction_jobs/{UUID(int=7)}/", "/api/nothing/", "/healthz"])
async def test_every_reply_to_the_former_protocol_says_when_it_ends(
    manager: Manager, expert: dict[str, str], path: str
) -> None:
    now = await manager.http.get(path, headers=expert)
    assert {"deprecation", "sunset"}.isdisjoint(now.headers)
    before = await manager.http.get(path, headers={**expert, HEADER: str(FORMER)})
    assert before.status_code == now.status_code
    ending = ENDINGS[FORMER]
    assert before.headers["deprecation"] == f"@{int(ending.deprecated.timestamp())}"
    assert parsedate_to_datetime(before.headers["sunset"]) == ending.sunset


async def test_a_worker_of_the_former_protocol_works_and_its_operator_is_told(
    manager: Manager, expert: dict[str, str]
) -> None:
    machine = await manager.worker()
    assert (await machine.beat()).notices == []
    await manager.planned(expert)
    machine.headers[HEADER] = str(FORMER)
    (told,) = (await machine.beat()).notices
    assert told == notice(FORMER)
    assert f"{ENDINGS[FORMER].sunset:%Y-%m-%d}" in told
    (lease,) = await machine.claim()
    said = results_v1(
        batch_id=lease.batch_id,
        attempt=lease.attempt,
        worker_id=machine.id,
        stages=(stage_run(model=lease.stages[0].stage.model),),
        resource_ids=tuple(one.id for one in lease.resources),
        outcomes=tuple(seen(media_sha256=one.sha256) for one in lease.resources),
    )
    classified = await machine.save(lease, blob_v1(said))
    assert (classified.status_code, classified.json()["reason"]) == (422, "model")  # nobody had asked for that
    plain = said.model_copy(update=NOTHING_CLASSIFIED)
    assert (await machine.save(lease, blob_v1(plain))).status_code == 200


@pytest.mark.parametrize(
    ("protocols", "status"), [((1,), 201), ((2,), 201), ((1, 2, 3), 201), ((3, 4), 400), ((), 400)]
)
async def test_a_worker_that_shares_no_protocol_is_refused_before_its_token_is_spent(
    manager: Manager, protocols: tuple[int, ...], status: int
) -> None:
    token = await manager.enrolment()
    body = {"name": "later", "version": "9", "runtimes": ["onnx-cpu"], "protocols": list(protocols)}
    headers = {"Authorization": f"Bearer {token}"}
    answer = await manager.http.post("/api/workers/", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert (answer.json()["type"], answer.json()["served"]) == ("protocol-not-served", list(SERVED))
        again = await manager.http.post("/api/workers/", json={**body, "protocols": [PROTOCOL]}, headers=headers)
        assert again.status_code == 201


async def test_enrolling_in_an_unknown_protocol_is_refused_too(manager: Manager) -> None:
    headers = {"Authorization": f"Bearer {await manager.enrolment()}", HEADER: "7"}
    body = {"name": "later", "version": "9", "runtimes": ["onnx-cpu"]}
    assert (await manager.http.post("/api/workers/", json=body, headers=headers)).status_code == 400
