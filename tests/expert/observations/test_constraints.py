"""The database refuses by name what no observation may say."""

from pathlib import Path

import pytest

from tests.support.make.expert_ai import applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_kit.db import IntegrityError
from trapper_schemas.ids import uuid7

NO_BOX = "bbox_x = null, bbox_y = null, bbox_width = null, bbox_height = null"
BROKEN = {
    "dynattrs_group_rows_have_no_bboxes": "observation_level = 'group', count = 1",
    "dynattrs_group_rows_null_individual_id": f"observation_level = 'group', count = 1, individual_id = 'x', {NO_BOX}",
    "dynattrs_group_rows_positive_count": f"observation_level = 'group', {NO_BOX}",
    "observations_object_has_box_check": NO_BOX,
    "observations_box_inside_check": "bbox_x = 0.9",
    "observations_confidences_check": "detection_confidence = 1.1",
    "observations_distance_check": "distance_m = -1",
}


async def test_each_broken_rule_is_named(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        for name, change in BROKEN.items():
            with pytest.raises(IntegrityError, match=name):
                await made.sql(f"update observations set {change} where observation_type = 'animal'")  # noqa: S608


async def test_lists_filter_and_page(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        async with made.as_("owner") as client:
            everything = (await client.get("/api/observations/")).json()["items"]
            assert sorted(one["observation_type"] for one in everything) == ["animal", "blank"]
            first = (await client.get("/api/observations/", params={"limit": 1})).json()
            then = {"limit": 1, "cursor": first["next_cursor"]}
            second = (await client.get("/api/observations/", params=then)).json()
            assert [one["id"] for one in first["items"] + second["items"]] == [one["id"] for one in everything]
            assert second["next_cursor"] is None
            other = await client.get("/api/observations/", params={**then, "observation_type": "animal"})
            assert other.status_code == 400
            filters = {
                "classification_project_id": str(made.project_id),
                "linked_collection_id": str(made.linked_collection_id),
                "type": "ai",
                "current": "true",
                "observation_type": "animal",
            }
            (animal,) = (await client.get("/api/observations/", params=filters)).json()["items"]
            assert (animal["scientific_name"], animal["label"]) == ("Vulpes vulpes", "red fox")
            assert animal["bbox"] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-3)
