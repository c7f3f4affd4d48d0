"""Taxa lists: made, filled from rows, from a model and from what was approved, and seen by those who may."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from expert.taxa_lists.queries import allowed_taxa
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_schemas.ids import uuid7

LISTS = "/api/taxa-lists/"


@pytest.fixture
async def project(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.sql(
            "insert into taxa (id, scientific_name, canonical_name, rank, path, accepted_id, vernacular_names)"
            " values (:id, 'Canis vulpes Linnaeus, 1758', 'Canis vulpes', 'species', '/1/', :fox, '{}')",
            id=uuid7(),
            fox=made.taxa["Vulpes vulpes"],
        )
        yield made


async def new_list(client: httpx.AsyncClient, project: Scene, name: str = "region", **body: Any) -> httpx.Response:
    given = {"name": name, "classification_project_id": str(project.project_id), **body}
    return await client.post(LISTS, json=given, headers={"Idempotency-Key": uuid7().hex})


async def test_rows_are_matched_before_anything_is_added(project: Scene) -> None:
    async with project.as_("owner") as client:
        made = (await new_list(client, project)).json()
        path = f"{LISTS}{made['id']}/taxa/"
        rows = [
            {"scientific_name": "vulpes VULPES"},
            {"scientific_name": "Canis vulpes"},
            {"scientific_name": "Nobody nullus"},
            {"checklist": "gbif", "key": "0"},
        ]
        refused = await client.post(path, json={"rows": rows})
        assert (refused.status_code, refused.json()["type"]) == (422, "rows-not-matched")
        assert [error["loc"] for error in refused.json()["errors"]] == [["body", "rows", 2], ["body", "rows", 3]]
        dry = (await client.post(path, json={"rows": rows, "dry_run": True})).json()
        assert [item["fate"] for item in dry["items"]] == ["matched", "synonym", "unknown", "unknown"]
        assert {item["scientific_name"] for item in dry["items"][:2]} == {"Vulpes vulpes"}
        assert (dry["found"], dry["added"]) == (1, 0)
        assert (await client.get(f"{LISTS}{made['id']}/")).json()["fingerprint"] == made["fingerprint"]
        added = (await client.post(path, json={"rows": rows, "leave_out": True})).json()
        assert (added["found"], added["added"]) == (1, 1)
        assert (await client.post(path, json={"rows": rows[:2]})).json()["added"] == 0
        filled = (await client.get(f"{LISTS}{made['id']}/")).json()
        assert filled["taxon_count"] == 1
        assert filled["fingerprint"] != made["fingerprint"]
        (taxon,) = (await client.get(path)).json()["items"]
        assert taxon["scientific_name"] == "Vulpes vulpes"
        assert (await client.delete(f"{path}{taxon['id']}/")).status_code == 204
        emptied = (await client.get(f"{LISTS}{made['id']}/")).json()
        assert emptied["fingerprint"] == made["fingerprint"]


async def test_taxa_come_from_a_models_labels_and_from_what_was_approved(project: Scene) -> None:
    fox = project.taxa["Vulpes vulpes"]
    ((algorithm_id,),) = await project.sql(
        "select algorithm_id from ai_providers where id = :id", id=project.classifier_id
    )
    async with project.as_("owner") as client:
        path = f"{LISTS}{(await new_list(client, project)).json()['id']}/taxa/"
        assert (await client.post(path, json={"algorithm_id": str(algorithm_id)})).json()["added"] > 1
        other = f"{LISTS}{(await new_list(client, project, 'approved')).json()['id']}/taxa/"
        started = await client.post(
            "/api/media-classifications/classifications/",
            json={
                "classification_project_id": str(project.project_id),
                "resource_id": str(project.resource_ids[0]),
                "dynamic_attrs": [{"observation_type": "animal", "taxon_id": str(fox), "bbox": [0.1, 0.1, 0.5, 0.5]}],
            },
            headers={"Idempotency-Key": "k"},
        )
        classification = started.json()
        approve = f"/api/media-classifications/classifications/{classification['id']}/approve/"
        approved = await client.post(approve, headers={"If-Match": f'"{classification["version"]}"'})
        assert approved.status_code == 200, approved.text
        assert (await client.post(other, json={"approved_in": str(project.project_id)})).json()["found"] == 1
        unknown = await client.post(other, json={"algorithm_id": str(uuid7())})
        assert (unknown.status_code, unknown.json()["errors"][0]["loc"]) == (422, ["body", "algorithm_id"])
        both = {"approved_in": str(project.project_id), "algorithm_id": str(algorithm_id)}
        assert (await client.post(other, json=both)).status_code == 422


async def test_a_list_allows_what_is_below_its_taxa_if_wanted(project: Scene) -> None:
    genus = uuid7()
    await project.sql(
        "insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names)"
        " values (:id, 'Vulpes', 'Vulpes', 'genus', :path, '{}')",
        id=genus,
        path=f"/{genus}/",
    )
    await project.sql(
        "update taxa set parent_id = :genus, path = :path || id || '/' where id = :fox",
        genus=genus,
        path=f"/{genus}/",
        fox=project.taxa["Vulpes vulpes"],
    )
    async with project.as_("owner") as client:
        made = (await new_list(client, project)).json()
        assert (await client.post(f"{LISTS}{made['id']}/taxa/", json={"rows": [{"scientific_name": "Vulpes"}]})).json()
    async with project.work.db() as db:
        below = set(await db.scalars(allowed_taxa(made["id"], include_descendants=True)))
        alone = set(await db.scalars(allowed_taxa(made["id"], include_descendants=False)))
    assert (below, alone) == ({genus, project.taxa["Vulpes vulpes"]}, {genus})


async def test_a_name_is_taken_once_and_global_lists_are_the_site_admins(project: Scene) -> None:
    async with project.as_("owner") as client:
        assert (await new_list(client, project)).status_code == 201
        assert (await new_list(client, project)).json()["type"] == "taxa-list-name-taken"
        made = (await new_list(client, project, "another")).json()
        renamed = await client.patch(
            f"{LISTS}{made['id']}/", json={"name": "region"}, headers={"If-Match": f'"{made["version"]}"'}
        )
        assert renamed.json()["type"] == "taxa-list-name-taken"
        assert (await new_list(client, project, classification_project_id=None)).status_code == 403
        await project.sql("update users set is_site_admin = true")
        made = await new_list(client, project, classification_project_id=None)
        assert (made.status_code, made.json()["classification_project_id"]) == (201, None)
        assert (await new_list(client, project, classification_project_id=None)).status_code == 409
