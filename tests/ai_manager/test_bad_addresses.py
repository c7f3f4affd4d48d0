"""Addresses that no client should call are refused where they are given."""

import json
from typing import Any

from ai_manager.access.state import Scope
from tests.attacks.test_peers import BAD_ADDRESSES
from tests.support.make.ai_manager import Manager, job_request, model_entry, resource
from trapper_schemas.ids import uuid7


async def refusal(manager: Manager, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
    """The status, and the last part of the place that the first error names."""
    content = json.dumps(body).encode()  # lone surrogates stay what they are
    headers = {**headers, "Content-Type": "application/json", "Idempotency-Key": str(uuid7())}
    answer = await manager.http.post(path, content=content, headers=headers)
    problem = answer.json()
    return answer.status_code, problem["errors"][0]["loc"][-1] if problem.get("errors") else problem["type"]


async def test_source_of_weights_with_a_bad_address_is_refused(manager: Manager) -> None:
    operator = await manager.token(Scope.PUBLISH, name="operator")
    for url in BAD_ADDRESSES:
        entry = model_entry(name="mine", version="9", sources=[{"url": url, "file_name": "m.onnx"}])
        assert await refusal(manager, "/api/models/", {"entry": entry}, operator) == (422, "url"), url
    assert await manager.rows("select count(*) as n from models where name = 'mine'") == [{"n": 0}]


async def test_media_with_a_bad_address_or_origin_is_refused(manager: Manager, expert: dict[str, str]) -> None:
    for url in BAD_ADDRESSES:
        body = {**job_request(), "resources": [resource(), resource(1, url=f"{url}")]}
        assert await refusal(manager, "/api/prediction_jobs/", body, expert) == (422, "url"), url
        status, place = await refusal(manager, "/api/prediction_jobs/", job_request(media_origins=[url]), expert)
        assert (status, place in {0, "media_origins"}) == (422, True), url
    assert await manager.rows("select count(*) as n from jobs") == [{"n": 0}]
