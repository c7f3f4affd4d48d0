"""What callers of an earlier protocol said, word for word, to the Manager of today: it still answers as they expect."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_manager.access.state import Scope
from ai_manager.tasks import BOOK
from tests.contracts.recordings import RECORDED, Conversation, Exchange, Unlike, compare, fill, rewrite, sha256_of
from tests.support.make.ai_manager import Manager, manager_settings, opened_manager

SWEEPS = ("jobs.plan_due", "jobs.settle_due")


async def prepared(manager: Manager, said: Conversation) -> dict[str, str]:
    """The model is published, and the two tokens are given out."""
    publisher = await manager.token(Scope.PUBLISH, name="operator")
    entry = await manager.http.post("/api/models/", json={"entry": said.model}, headers=publisher)
    assert entry.status_code == 201, entry.text
    weights = (RECORDED / said.weights).read_bytes()
    kept = await manager.http.put(f"/api/models/{said.model['sha256']}/weights", content=weights, headers=publisher)
    assert kept.status_code == 200, kept.text
    token = (await manager.token(Scope.JOBS, name="an-expert"))["Authorization"].removeprefix("Bearer ")
    return {"expert_token": token, "enrolment_token": await manager.enrolment(uses=1)}


async def say(manager: Manager, said: Conversation, one: Exchange, names: dict[str, str]) -> httpx.Response:
    """One recorded request with today's ids in it."""
    headers = dict(one.headers)
    more: dict[str, Any] = {}
    if one.file is not None:
        values = {was: names[name] for name, was in said.in_blobs.items()}
        more["content"] = rewrite((RECORDED / one.file).read_bytes(), values)
        names[headers["content-sha256"].strip("{}")] = sha256_of(more["content"])
    elif one.json is not None:
        more["json"] = fill(one.json, names)
    return await manager.http.request(one.method, fill(one.path, names), headers=fill(headers, names), **more)


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.json")))
async def test_a_recorded_conversation_goes_as_it_went(ai_manager_database_url: str, tmp_path: Path, name: str) -> None:
    said = Conversation.read(name)
    settings = manager_settings(ai_manager_database_url, tmp_path, batch_size=2, intervals={"lease": 600.0})
    async with opened_manager(settings) as manager:
        names = await prepared(manager, said)
        for number, one in enumerate(said.exchanges):
            if one.method == "GET" or (one.reply or {}).get("batches"):  # by then they had run
                for sweep in SWEEPS:
                    await BOOK.tasks[sweep].run(manager.work)
            answer = await say(manager, said, one, names)
            where = f"{number}: {one.method} {one.path}"
            assert answer.status_code == one.status, f"{where}: {answer.text}"
            compare(one.reply_headers, dict(answer.headers), names, where)
            if one.reply is not None:
                compare(one.reply, answer.json(), names, where)
        assert await manager.broken() == {}


@pytest.mark.parametrize(
    ("recorded", "actual"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ({"a": "x"}, {"a": None}),
        ({"a": [{"b": 1}]}, {"a": []}),
        ({"a": [{"b": 1}]}, {"a": [{}]}),
        ({"a": "{{id.1}}", "b": "{{id.1}}"}, {"a": "1", "b": "2"}),
        ({"type": "lease-lost"}, {"type": "batch-lost"}),
    ],
)
def test_a_reply_that_a_former_caller_would_not_understand_is_noticed(recorded: Any, actual: Any) -> None:
    with pytest.raises(Unlike):
        compare(recorded, actual, {})
