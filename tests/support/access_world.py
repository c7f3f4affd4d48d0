"""A project in a running Expert with one object of each kind, and everybody who tries to reach them."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from expert.access.issue_token import issue_token
from expert.operations.models import Operation
from expert.operations.start import begin_operation
from expert.postprocessing.start_run import RunTarget, begin_run, read_config
from expert.postprocessing.state import MethodKey, RunScope
from expert.sequences.build import build_missing
from expert.sequences.extend import extend_link
from tests.support.access_table import CALLERS, OUTSIDER, OWNER, CallerKind, Place, Route
from tests.support.make import expert
from tests.support.make.expert import Backend, Person, joined, made
from tests.support.make.expert_ai import Scene, scene, submitted
from trapper_schemas.ids import uuid7

Ids = dict[str, Any]
OWN_ROWS = {
    "invitation_id": "insert into invitations (id, email, research_project_id, role, invited_by_id)"
    " select :id, u.email, :spare_project, 'member', u.id from users u where u.id = :owner"
    " on conflict (research_project_id, lower(email)) where research_project_id is not null do update set id = :id",
    "session_id": "insert into sessions (id, user_id, token_hash, expires_at, address_hash)"
    " values (:id, :owner, gen_random_uuid()::text, now() + interval '1 hour', '')",
    "token_id": "insert into tokens (id, user_id, name, scopes, token_hash, expires_at)"
    " values (:id, :owner, 'spare', '[\"read\"]', gen_random_uuid()::text, now() + interval '1 hour')",
    "upload_id": "insert into uploads"
    " (id, research_project_id, collection_id, created_by, file_name, path, path_print, size_bytes, sha256, state)"
    " values (:id, :research_project, :collection_id, :owner, 'a', 'a', gen_random_uuid()::text, 1, :sha256, 'open')",
}


@dataclass
class World:
    """The objects of one project, everybody who tries to reach them, and objects of the outsider's own project."""

    backend: Backend
    project: Scene
    clients: dict[str, httpx.AsyncClient]
    ids: Ids
    other: Ids

    async def archive(self, *, is_active: bool) -> None:
        """Archive every object of the project that can be archived, or bring them back."""
        for table in ("collections", "deployments", "resources", "classification_project_collections"):
            await self.project.sql(f"update {table} set is_active = :is_active", is_active=is_active)  # noqa: S608

    async def call(self, route: Route, caller: CallerKind, ids: Ids, **query: str) -> httpx.Response:
        """One request on these objects; a row of the owner's own is made for it, for it may end with it."""
        ids = {
            **ids,
            "unique": uuid7().hex[-10:],
            "nobody": uuid7(),
            "order": "pause",
            "stage": "sequences",
            "method": "small_size_filter",
            "scope": f'{{"linked_collection_id": "{ids["link_id"]}"}}',
            "sha256": uuid7().hex + uuid7().hex,
        }
        for name, statement in OWN_ROWS.items():
            if f"{{{name}}}" in route.path and name not in ids and route.rule.place is Place.OWN:
                ids[name] = uuid7()
                await self.project.sql(statement, **{**_bound(statement, ids), "id": ids[name]})
        rule = route.rule
        names = {name: rule.path.get(name, name) for name in parameters(route.path)}
        path = route.path.format(**{name: ids.get(source, uuid7()) for name, source in names.items()})
        headers = {"Idempotency-Key": uuid7().hex}
        if rule.stale:
            headers["If-Match"] = '"999"'
        if route.operation == "uploads_receive":
            return await self.clients[caller.name].put(path, content=b"x", headers=headers)
        return await self.clients[caller.name].request(
            route.method,
            path,
            json=filled(rule.body, ids),
            params={**filled(rule.query, ids), **query},
            headers=headers,
        )


def _bound(statement: str, ids: Ids) -> Ids:
    """The ids that a statement names."""
    return {name: value for name, value in ids.items() if f":{name}" in statement}


def parameters(path: str) -> list[str]:
    """The names of a path's parameters."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def filled(document: Any, ids: Ids) -> Any:
    """The body or query with the ids in the place of their names."""
    if isinstance(document, dict):
        return {name: filled(value, ids) for name, value in document.items()}
    if isinstance(document, list):
        return [filled(value, ids) for value in document]
    if isinstance(document, str) and document.startswith("{"):
        return str(ids.get(document[1:-1], uuid7()))
    return document


async def token_of(backend: Backend, user_id: UUID, scopes: Iterable[str]) -> httpx.AsyncClient:
    """A client with a fresh token of a person."""
    async with backend.work.db() as db:
        _, token = await issue_token(
            db,
            user_id=user_id,
            name="test",
            scopes=sorted(scopes),
            lasts=timedelta(days=1),
            now=backend.work.clock.now(),
        )
    return backend.client({"Authorization": f"Bearer {token}"})


async def everybody(backend: Backend, project: Scene) -> dict[str, httpx.AsyncClient]:
    """A client of each kind of caller."""
    owner = Person(project.user_ids["owner"], "owner@example.org", project.tokens["owner"], backend.client())
    owner.client.headers["Authorization"] = f"Bearer {owner.token}"
    clients: dict[str, httpx.AsyncClient] = {OWNER.name: owner.client}
    research, classification = (
        f"research-projects/{project.research_project_id}",
        f"classification-projects/{project.project_id}",
    )
    for kind in CALLERS:
        if kind.name in clients:
            continue
        if kind.scopes is None:
            clients[kind.name] = backend.client()
        elif kind.owns_rows:
            clients[kind.name] = await token_of(backend, owner.id, kind.scopes)
        else:
            person = await backend.person("caller", site_admin=kind.is_site_admin)
            clients[kind.name] = person.client
            if kind.name == "removed member":
                for role, where in (("manager", research), ("admin", classification)):
                    await joined(owner, person, where, role)
                    removed = await owner.client.delete(f"/api/{where}/members/{person.id}/")
                    assert removed.status_code == 204
            if kind.research_role is not None:
                await joined(owner, person, research, kind.research_role)
            if kind.classification_role is not None:
                await joined(owner, person, classification, kind.classification_role)
    return clients


async def objects(backend: Backend, owner: httpx.AsyncClient, project: Scene) -> Ids:
    """Ids of one object of each kind in the project; rows that a call ends are made for each call."""
    research = {"research_project_id": str(project.research_project_id)}
    location = await made(owner, "/api/locations/", {**research, "location_id": "L1"})
    deployment = await made(owner, "/api/deployments/", {**research, "deployment_id": "D1"})
    spare = await made(owner, "/api/classification-projects/", {**research, "name": "spare"})
    taxa_list = await made(
        owner, "/api/taxa-lists/", {"classification_project_id": str(project.project_id), "name": "region"}
    )
    link = await made(
        owner,
        f"/api/classification-projects/{spare['id']}/collections/",
        {"collection_id": str(project.collection_id)},
    )
    job_id = await submitted(project)
    started = await made(
        owner,
        "/api/media-classifications/classifications/",
        {
            "classification_project_id": str(project.project_id),
            "resource_id": str(project.resource_ids[0]),
            "dynamic_attrs": [{"observation_type": "blank"}],
        },
    )
    drawn = await made(
        owner,
        "/api/media-classifications/classifications/",
        {
            "classification_project_id": str(project.project_id),
            "resource_id": str(project.resource_ids[1]),
            "dynamic_attrs": [{"observation_type": "animal", "bbox": [0.1, 0.1, 0.5, 0.5]}],
        },
    )
    path = f"/api/media-classifications/classifications/{drawn['id']}/approve/"
    approved = await owner.post(path, headers={"If-Match": f'"{drawn["version"]}"'})
    assert approved.status_code == 200, approved.text
    ((occurrence_id,),) = await project.sql("select id from occurrences")
    async with backend.work.db() as db:
        operation = Operation(kind="jobs.make", classification_project_id=project.project_id, parameters={}, total=0)
        await begin_operation(db, operation)
        scope = RunScope(linked_collection_id=project.linked_collection_id)
        method = MethodKey.SMALL_SIZE_FILTER
        run = await begin_run(db, RunTarget(project.project_id, method, scope, read_config(method, {})))
    await project.sql(
        "update resources set captured_at = now(), time_override = now(), deployment_id = :d where id = any(:ids)",
        d=deployment["id"],
        ids=list(project.resource_ids),
    )
    await build_missing(backend.work)
    await extend_link(backend.work, project.linked_collection_id)
    ((sequence_id,),) = await project.sql(
        "select id from sequences where linked_collection_id = :link", link=project.linked_collection_id
    )
    admin = await backend.person("root", site_admin=True)
    connections = [
        await admin.client.put(
            "/api/ai-provider-connections/", json={"name": name, "url": "http://127.0.0.1:9", "credential": "x"}
        )
        for name in ("spare", "kept")
    ]
    return {
        "research_project": project.research_project_id,
        "classification_project": project.project_id,
        "collection_id": project.collection_id,
        "link_id": project.linked_collection_id,
        "spare_link": link["id"],
        "spare_project": (await backend.project(await backend.person("spare"))).id,
        "resource_id": project.resource_ids[0],
        "location_id": location["id"],
        "deployment_id": deployment["id"],
        "job_id": job_id,
        "operation_id": operation.id,
        "run_id": run.id,
        "sequence_id": sequence_id,
        "occurrence_id": occurrence_id,
        "classification_id": started["id"],
        "observation_id": started["dynamic_attrs"][0]["id"],
        "provider_id": project.detector_id,
        "algorithm_id": (await project.sql("select min(id::text)::uuid from algorithms"))[0][0],
        "taxa_list_id": taxa_list["id"],
        "taxon_id": project.taxa["Sus scrofa"],
        "user_id": (await backend.person("spare")).id,
        "connection_id": connections[0].json()["id"],
        "kept_connection": connections[1].json()["id"],
        "owner": project.user_ids["owner"],
    }


async def objects_elsewhere(backend: Backend, outsider: httpx.AsyncClient) -> Ids:
    """The outsider's own project."""
    me = (await outsider.get("/api/me/")).json()
    project = await backend.project(Person(UUID(me["id"]), me["email"], "", outsider))
    classification = await project.classification_project()
    link = await project.link(classification["id"])
    location = await made(outsider, "/api/locations/", {"research_project_id": str(project.id), "location_id": "L1"})
    return {
        "research_project": project.id,
        "classification_project": classification["id"],
        "collection_id": project.collection_id,
        "link_id": link["id"],
        "spare_link": link["id"],
        "resource_id": await project.upload(b"bytes of the outsider"),
        "location_id": location["id"],
        "deployment_id": (await project.deployment())["id"],
    }


@asynccontextmanager
async def opened_world(database_url: str, folder: Path) -> AsyncGenerator[World, None]:
    """On a fresh database."""
    async with expert.backend(database_url, folder) as backend:
        project = await scene(backend.work)
        clients = await everybody(backend, project)
        ids = await objects(backend, clients[OWNER.name], project)
        yield World(backend, project, clients, ids, await objects_elsewhere(backend, clients[OUTSIDER.name]))
