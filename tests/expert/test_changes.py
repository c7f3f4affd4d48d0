"""Each row that can be changed: one field changes one field, and a row that was read can be sent back."""

from typing import Any

import httpx
from pydantic import BaseModel

from tests.support.make.bad_pictures import encoded
from tests.support.make.expert import Backend, changed, made
from trapper_client import contract

ROWS_CHANGED = {"resources_changed", "observations_changed"}
GENERATED: dict[str, type[BaseModel]] = {
    "research-projects": contract.ResearchProjectChange,
    "classification-projects": contract.ClassificationProjectChange,
    "links": contract.LinkedCollectionChange,
    "collections": contract.CollectionChange,
    "deployments": contract.DeploymentChange,
    "locations": contract.LocationChange,
    "resources": contract.ResourceChange,
}
"""Bodies that datamodel-code-generator made of the contract."""
CHANGES: dict[str, dict[str, Any]] = {
    "research-projects": {"abstract": "deer"},
    "classification-projects": {"name": "another name"},
    "links": {"sequence_interval_seconds": 60},
    "collections": {"description": "spring"},
    "deployments": {"habitat": "meadow"},
    "locations": {"name": "bridge"},
    "resources": {"visibility": "public"},
}


async def _paths(backend: Backend) -> tuple[dict[str, str], httpx.AsyncClient]:
    """The path of a row of each kind, with settings that differ from the defaults."""
    project = await backend.project(await backend.person(), keywords=["deer"], individual_animals=True)
    client = project.owner.client
    location = await made(
        client,
        "/api/locations/",
        {"research_project_id": str(project.id), "location_id": "L1", "longitude": 23.1, "latitude": 52.9},
    )
    deployment = await project.deployment(
        location_id=location["id"], start_at="2026-05-01T06:00:00+02:00", tags=["north"], bait_use=True
    )
    resource_id = await project.upload(encoded(), deployment_id=deployment["id"])
    classification_project = await project.classification_project(nms_iou=0.7, detection_threshold=0.4)
    link = await project.link(classification_project["id"])
    await changed(client, f"/api/collections/{project.collection_id}/", {"visibility": "public"})
    links = f"/api/classification-projects/{classification_project['id']}/collections/{link['id']}/"
    await changed(client, links, {"is_active": False})
    paths = {
        "research-projects": f"/api/research-projects/{project.id}/",
        "classification-projects": f"/api/classification-projects/{classification_project['id']}/",
        "links": links,
        "collections": f"/api/collections/{project.collection_id}/",
        "deployments": f"/api/deployments/{deployment['id']}/",
        "locations": f"/api/locations/{location['id']}/",
        "resources": f"/api/resources/{resource_id}/",
    }
    return paths, client


async def test_one_field_of_a_generated_body_changes_one_field(backend: Backend) -> None:
    paths, client = await _paths(backend)
    for kind, change in CHANGES.items():
        before = (await client.get(paths[kind])).json()
        body = GENERATED[kind].model_validate(change).model_dump(mode="json", exclude_unset=True)
        answer = await changed(client, paths[kind], body)
        assert answer.status_code == 200, (kind, answer.text)
        after = {name: value for name, value in answer.json().items() if name not in ROWS_CHANGED}
        differences = {name for name in before if before[name] != after[name]}
        assert differences == {*change, "version"}, kind


async def test_a_row_that_was_read_can_be_sent_back(backend: Backend) -> None:
    paths, client = await _paths(backend)
    for kind in CHANGES:
        row = (await client.get(paths[kind])).json()
        answer = await changed(client, paths[kind], row)
        assert answer.status_code == 200, (kind, answer.text)
        again = await changed(client, paths[kind], answer.json())
        assert again.status_code == 200, (kind, again.text)
        after = (await client.get(paths[kind])).json()
        assert {name: after[name] for name in row if name != "version"} == {
            name: value for name, value in row.items() if name != "version"
        }, kind


async def test_a_read_only_field_with_another_value_is_refused_by_name(backend: Backend) -> None:
    paths, client = await _paths(backend)
    for kind, change in CHANGES.items():
        before = (await client.get(paths[kind])).json()
        for field, value in (("created_at", "2001-01-01T00:00:00Z"), ("id", "nobody"), ("colour", "red")):
            answer = await changed(client, paths[kind], {**change, field: value})
            assert answer.status_code == 422, (kind, field, answer.text)
            assert [error["loc"] for error in answer.json()["errors"]] == [["body", field]], kind
        assert (await client.get(paths[kind])).json() == before, kind
