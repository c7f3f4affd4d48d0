"""The database refuses by name what no observation may say."""

import re
from pathlib import Path

import pytest

from expert.observations.state import RULES
from tests.support.make.expert_ai import applied, asked_again, expert, scene, submitted
from tests.support.make.results import column, results
from trapper_kit.db import IntegrityError
from trapper_schemas.ids import uuid7

NO_BOX = "bbox_x = null, bbox_y = null, bbox_width = null, bbox_height = null"
BROKEN = {
    "dynattrs_group_rows_have_no_bboxes": "observation_level = 'group', count = 1",
    "dynattrs_group_rows_null_individual_id": f"observation_level = 'group', count = 1, individual_id = 'x', {NO_BOX}",
    "dynattrs_group_rows_positive_count": f"observation_level = 'group', {NO_BOX}",
    "observations_object_has_box_check": NO_BOX,
    "observations_box_inside_check": "bbox_x = 0.9",
    "observations_box_has_area_check": "bbox_width = 1e-7",
    "observations_whole_resource_level_check": "observation_type = 'blank', taxon_id = null",
    "observations_resource_has_no_bbox_check": "observation_level = 'resource'",
    **{
        f"observations_whole_resource_has_no_{field}_check": (
            f"observation_type = 'unclassified', observation_level = 'resource', "
            f"{'taxon_id = null, ' * (field != 'taxon_id')}{NO_BOX}{change}"
        )
        for field, change in {
            "taxon_id": "",
            "count": ", count = 1",
            "sex": ", sex = 'male'",
            "life_stage": ", life_stage = 'adult'",
            "behaviour": ", behaviour = 'eats'",
            "individual_id": ", individual_id = 'x'",
        }.items()
    },
    "observations_human_or_vehicle_has_no_taxon_id_check": "observation_type = 'human'",
    "observations_human_or_vehicle_has_no_sex_check": "observation_type = 'vehicle', taxon_id = null, sex = 'male'",
    "observations_confidences_check": "detection_confidence = 1.1",
    "observations_distance_check": "distance_m = -1",
}


def test_every_rule_of_the_table_is_tried() -> None:
    assert all(any(re.fullmatch(name, rule.constraint) for name in BROKEN) for rule in RULES)


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
                "resource_id": str(made.resource_ids[0]),
                "provider_id": str(made.detector_id),
                "taxon_id": str(made.taxa["Vulpes vulpes"]),
                "min_confidence": "0.5",
                "max_confidence": "1",
                "approved": "false",
            }
            (animal,) = (await client.get("/api/observations/", params=filters)).json()["items"]
            assert (animal["scientific_name"], animal["label"]) == ("Vulpes vulpes", "red fox")
            assert animal["bbox"] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-3)


async def test_filters_find_what_they_name_and_refuse_other_values(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        family, other = uuid7(), str(made.taxa["Sus scrofa"])
        await made.sql(
            "insert into taxa (id, scientific_name, canonical_name, path, vernacular_names)"
            " values (:id, 'Canidae', 'Canidae', :path, '{}')",
            id=family,
            path=f"/{family}/",
        )
        fox = made.taxa["Vulpes vulpes"]
        path = f"/{family}/{fox}/"
        await made.sql("update taxa set parent_id = :p, path = :path where id = :f", p=family, path=path, f=fox)
        await made.sql("update observations set captured_at = '2024-05-01T12:00:00Z'")
        await made.sql(
            "update resources set captured_at = '2024-05-01T12:00:00Z',"
            " recorded_at = '2024-05-01T12:00:00', time_source = 'exif'"
        )
        lists = ("/api/observations/", "/api/media-classifications/classifications/")
        async with made.as_("owner") as client:

            async def count(path: str, **params: str) -> int:
                answer = await client.get(path, params={"type": "ai", **params})
                assert answer.status_code == 200, answer.text
                return len(answer.json()["items"])

            for path in lists:
                (whole,) = {await count(path)}
                assert whole == 2
                assert await count(path, taxon_id=str(family)) == 1
                assert await count(path, taxon_id=other) == 0
                assert await count(path, min_confidence="0.99") == 0
                assert await count(path, min_confidence="0.5", max_confidence="0.95") == 1
                assert await count(path, provider_id=str(made.detector_id)) == 2
                assert await count(path, provider_id=str(made.classifier_id)) == 0
                assert await count(path, captured_from="2024-05-01T00:00:00Z") == 2
                assert await count(path, captured_until="2024-05-01T12:00:00Z") == 0
                assert await count(path, deployment_id=str(uuid7())) == 0
                assert await count(path, owner_id=str(made.user_ids["owner"])) == 0
                one = (await client.get(path, params={"limit": 1})).json()["items"][0]["id"]
                assert [row["id"] for row in (await client.get(path, params={"id": one})).json()["items"]] == [one]
                for name, value in (
                    ("type", "USER"),
                    ("observation_type", "fish"),
                    ("min_confidence", "NaN"),
                    ("max_confidence", "1.5"),
                    ("captured_from", "2024-05-01T00:00:00"),
                    ("captured_until", "9999-12-31T23:59:59-05:00"),
                    ("captured_until", "2200-01-01T00:00:00Z"),
                    ("approved", "perhaps"),
                    ("taxon_id", "fox"),
                    ("project", "x"),
                ):
                    answer = await client.get(path, params={name: value})
                    assert (answer.status_code, answer.json()["errors"][0]["loc"][:2]) == (422, ["query", name]), name


async def test_what_is_approved_is_found_after_a_newer_ai_run(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        rows = "/api/media-classifications/classifications/"
        async with made.as_("owner") as client:
            params = {"type": "ai", "resource_id": str(made.resource_ids[0])}
            row = (await client.get(rows, params=params)).json()["items"][0]["id"]
            approved = await client.post(f"{rows}{row}/approve/", headers={"If-Match": '"0"'})
            assert approved.status_code == 200
            box = column("<u2", [40000, 13107, 19660, 26214], 4)
            answer = results(batch_id=uuid7(), resource_ids=made.resource_ids, box=box)
            await applied(made, await asked_again(made), answer)
            me = str(made.user_ids["owner"])
            for filters in ({"approved": "true"}, {"approved_by_id": me}, {"approved": "true", "current": "false"}):
                listed = (await client.get(rows, params={**filters, "type": "ai"})).json()["items"]
                assert [one["id"] for one in listed] == [row]
                found = (await client.get("/api/observations/", params=filters)).json()["items"]
                assert [one["classification_id"] for one in found] == [row]
        assert await made.broken() == {}
