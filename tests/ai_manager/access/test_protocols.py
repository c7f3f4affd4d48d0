"""One protocol is served; a caller of another one is refused before anything happens."""

import pytest

from tests.support.make.ai_manager import Manager
from trapper_schemas.protocol import HEADER, PROTOCOL, SERVED
from trapper_schemas.read_results import READERS


def test_every_served_protocol_has_a_reader_of_its_blobs() -> None:
    assert tuple(READERS) == SERVED == (PROTOCOL,)


@pytest.mark.parametrize(("protocols", "status"), [((1,), 201), ((1, 2), 201), ((2, 3), 400), ((), 400)])
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
