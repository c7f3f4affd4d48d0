"""The golden run that was published with a model: given to whoever reads the catalogue, never replaced."""

from typing import Any

import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import DETECTOR_SHA256, Manager, model_entry

PATH = f"/api/models/{DETECTOR_SHA256}/proof"


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    return await manager.token(Scope.PUBLISH, name="operator")


def proof(**changes: Any) -> dict[str, Any]:
    output = {"name": "output", "shape": [1, 7, 16], "largest": 3.5, "sampled": [0.0, 1.5, -3.5]}
    run = {"provider": "CPUExecutionProvider", "precision": "float32", "checksum": "abc", "inputs": [[output]]}
    return {**run, **changes}


async def publish(manager: Manager, headers: dict[str, str], run: object, **changes: Any) -> int:
    body = {"entry": model_entry(**changes), "proof": run}
    return (await manager.http.post("/api/models/", json=body, headers=headers)).status_code


async def test_the_first_proof_stays_and_a_worker_reads_it(manager: Manager, operator: dict[str, str]) -> None:
    worker = (await manager.worker()).headers
    missing = await manager.http.get(PATH, headers=worker)
    assert (missing.status_code, missing.json()["type"]) == (404, "proof-not-found")
    assert await publish(manager, operator, proof()) == 200
    assert await publish(manager, operator, proof(checksum="other")) == 200
    for path in (PATH, f"{PATH}/"):
        answer = await manager.http.get(path, headers=worker)
        assert (answer.status_code, answer.json()) == (200, proof())
    assert (await manager.http.get(PATH)).status_code == 401


async def test_the_same_weights_run_in_another_way_have_another_proof(
    manager: Manager, operator: dict[str, str]
) -> None:
    assert await publish(manager, operator, proof()) == 200
    assert await publish(manager, operator, proof(checksum="other"), name="tuned") == 201

    async def checksum(query: str) -> str:
        return (await manager.http.get(f"{PATH}/?{query}", headers=operator)).json().get("checksum", "none")

    assert await checksum("name=tuned&version=1") == "other"
    assert await checksum("name=test-detector") == "abc"
    assert await checksum("name=tuned&version=2") == "none"


@pytest.mark.parametrize(
    "run",
    [
        {"provider": "x"},
        proof(inputs=[[{"name": "o", "shape": [1], "largest": -1, "sampled": []}]]),
        proof(inputs=[[{"name": "o", "shape": [1], "largest": 1, "sampled": [0.0] * 257}]]),
        proof(extra=1),
        "no proof",
    ],
)
async def test_a_proof_that_is_none_is_refused_with_its_entry(
    manager: Manager, operator: dict[str, str], run: object
) -> None:
    assert await publish(manager, operator, run, name="fresh") == 422
    assert await manager.rows("select name from models where name = 'fresh'") == []
