"""A change of a project says how many resources a re-run would take; a dry run says it and changes nothing."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from expert.access.issue_token import issue_token
from expert.access.state import ClassificationRole
from tests.support.make.expert import Backend
from tests.support.make.expert_ai import Scene, add_pictures, expert, scene, submitted
from trapper_schemas.ids import uuid7


@pytest.fixture
async def looked(expert_database_url: str, tmp_path: Path) -> AsyncGenerator[Scene, None]:
    """Three photos that a job has taken, and one that none has."""
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await submitted(made)
        await add_pictures(made, [uuid7()])
        yield made


async def _change(made: Scene, body: dict[str, Any], **query: bool) -> httpx.Response:
    path = f"/api/classification-projects/{made.project_id}/"
    async with made.as_("owner") as client:
        version = (await client.get(path)).headers["etag"]
        return await client.patch(path, json=body, params=query, headers={"If-Match": version})


async def _project(made: Scene, who: str = "owner") -> dict[str, Any]:
    async with made.as_(who) as client:
        return (await client.get(f"/api/classification-projects/{made.project_id}/")).json()


@pytest.mark.parametrize(
    ("body", "resources"),
    [
        ({"detection_threshold": 0.7}, 3),
        ({"species_ai_model": None}, 3),
        ({"name": "Deer of spring"}, None),
        ({"classification_threshold": 0.5}, None),  # as it was
    ],
)
async def test_a_dry_run_says_the_size_of_a_rerun_and_changes_nothing(
    looked: Scene, body: dict[str, Any], resources: int | None
) -> None:
    before = await _project(looked)
    reply = await _change(looked, body, dry_run=True)
    assert reply.status_code == 200, reply.text
    assert reply.json() == {**before, "rerun_resources": resources}
    assert await _project(looked) == before
    reply = await _change(looked, body)
    assert reply.json()["rerun_resources"] == resources
    assert {name: reply.json()[name] for name in body} == body


async def test_a_dry_run_refuses_what_the_change_would_refuse(looked: Scene) -> None:
    before = await _project(looked)
    body = {"species_ai_model": str(looked.detector_id)}
    dry, real = await _change(looked, body, dry_run=True), await _change(looked, body)
    assert (dry.status_code, dry.json()["type"]) == (real.status_code, real.json()["type"]) == (422, "provider-unfit")
    assert await _project(looked) == before


async def test_replies_name_what_the_caller_may_do(looked: Scene) -> None:
    await looked.person("annotator", ClassificationRole.ANNOTATOR)
    for who in ("owner", "annotator"):
        async with looked.as_(who) as client:
            path = f"/api/classification-projects/{looked.project_id}/capabilities/"
            allowed = (await client.get(path)).json()["items"]
        assert (await _project(looked, who))["capabilities"] == allowed
        assert ("administer" in allowed) == (who == "owner")
        assert "annotate" in allowed


async def test_a_token_for_reading_may_do_less_than_its_person(backend: Backend) -> None:
    person = await backend.person()
    project = await backend.project(person)
    path = f"/api/research-projects/{project.id}/"
    async with backend.work.db() as db:
        _, token = await issue_token(
            db,
            user_id=person.id,
            name="reader",
            scopes=["read"],
            lasts=timedelta(days=1),
            now=backend.work.clock.now(),
        )
    reader = backend.client({"Authorization": f"Bearer {token}"})
    whole = (await person.client.get(path)).json()["capabilities"]
    part = (await reader.get(path)).json()["capabilities"]
    assert set(part) < set(whole)
    assert part == ["read"]
    listed = (await person.client.get("/api/research-projects/")).json()["items"]
    assert [row["capabilities"] for row in listed] == [whole]
