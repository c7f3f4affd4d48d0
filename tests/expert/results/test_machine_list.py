"""The list of what the machine saw: from the kept blobs, also below the threshold, of one linked collection or all."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import column, results
from trapper_schemas.ids import uuid7


async def listed(made: Scene, **filters: Any) -> list[dict[str, Any]]:
    async with made.as_("owner") as client:
        path = f"/api/classification-projects/{made.project_id}/machine-detections/"
        answer = await client.get(path, params={name: str(value) for name, value in filters.items()})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


async def test_it_tells_every_resource_with_what_lies_below_the_threshold(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        low = results(batch_id=uuid7(), resource_ids=made.resource_ids, score=column("<u2", [9000]))
        await applied(made, await submitted(made), low)
        first, second, third = await listed(made)
        assert first["detections"][0]["score"] == pytest.approx(9000 / 65535, abs=1e-4)
        assert second["detections"] == []
        assert (third["outcome"], third["code"]) == ("failed", "undecodable")
        assert await made.sql("select distinct observation_type from observations") == [("blank",)]
        assert (await listed(made, min_score=0.2))[0]["detections"] == []


async def test_it_can_be_asked_for_one_linked_collection(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        assert len(await listed(made, linked_collection_id=made.linked_collection_id)) == 3
        assert await listed(made, linked_collection_id=uuid7()) == []
