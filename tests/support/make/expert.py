"""Makes an Expert to test: its world on a fresh database, its app over ASGI, people with real tokens, and data."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from expert.access.issue_token import issue_token
from expert.access.models import User
from expert.access.register import register
from expert.app import create_app
from expert.deps import ExpertWork, open_work
from expert.manager_client import Managers
from expert.settings import ExpertSettings, Intervals
from trapper_kit.db import Session, TaskMessage
from trapper_kit.web.guards import api_routes
from trapper_schemas.ids import uuid7

SECRET = "a-secret-key-of-the-tests-0123456789"
PASSWORD_HASH = "nobody signs in with this"


def settings(database_url: str, folder: Path, **changes: Any) -> ExpertSettings:
    """Everything on loopback, every interval at 1/50."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "secret_key": SECRET,
        "media_dir": folder / "media",
        "blobs_dir": folder / "blobs",
        "allowed_addresses": ["127.0.0.0/8"],
        "database_pool_size": 4,
        "intervals": Intervals().scaled(0.02),
    }
    return ExpertSettings(**{**given, **changes})


class SentMessages:
    """Keeps inner notifications instead of sending them, so that a test can look at them, or answer them."""

    def __init__(self) -> None:
        self.messages: list[TaskMessage] = []

    def __call__(self, messages: Any) -> None:
        self.messages += messages

    def of(self, actor: str) -> list[TaskMessage]:
        """Those of one actor."""
        return [one for one in self.messages if one.actor == actor]


@asynccontextmanager
async def world(
    database_url: str, folder: Path, *, managers: Managers | None = None, **changes: Any
) -> AsyncGenerator[ExpertWork, None]:
    """A process's world; its inner notifications are heard by `work.database.ringer`."""
    async with open_work(settings(database_url, folder, **changes), managers=managers) as work:
        work.database.task_sender = SentMessages()
        yield work


@cache
def _contract() -> dict[str, Any]:
    """The contract of the Expert, built once per process: it takes a second."""
    return create_app().openapi()


@dataclass
class Person:
    """Somebody with a token, and a client that sends it."""

    id: UUID
    email: str
    token: str
    client: httpx.AsyncClient


@dataclass
class Backend:
    """The app, its world, and ways to be somebody in it."""

    work: ExpertWork
    app: Any
    _clients: list[httpx.AsyncClient]

    @property
    def messages(self) -> SentMessages:
        """Task messages that were sent."""
        heard = self.work.database.task_sender
        assert isinstance(heard, SentMessages)
        return heard

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """A caller without a credential."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://127.0.0.1:8000",
            headers=headers,
            event_hooks={"response": [self._check_documented]},
        )
        self._clients.append(made)
        return made

    async def _check_documented(self, reply: httpx.Response) -> None:
        """Every success in every test has a status that the contract of its route names."""
        for route in api_routes(self.app.routes):
            method, path = reply.request.method, reply.request.url.path
            if reply.is_success and method in (route.methods or ()) and route.path_regex.match(path):
                operations = _contract()["paths"].get(route.path)  # the pages of the web app have none
                documented = operations[method.lower()]["responses"] if operations else str(reply.status_code)
                assert str(reply.status_code) in documented, f"{method} {route.path} answers {reply.status_code}"
                return

    async def person(
        self, name: str = "ann", *, site_admin: bool = False, scopes: tuple[str, ...] = ("*",), active: bool = True
    ) -> Person:
        """Somebody with a token; the same name again is another person."""
        async with self.work.db() as db:
            user = await _user(db, self.work, f"{name}-{uuid7().hex[-12:]}@example.org", site_admin, active)
            _, token = await issue_token(
                db,
                user_id=user.id,
                name="test",
                scopes=scopes,
                lasts=timedelta(days=1),
                now=self.work.clock.now(),
            )
        return Person(user.id, user.email, token, self.client({"Authorization": f"Bearer {token}"}))

    async def project(self, owner: Person, **changes: Any) -> "Project":
        """An active research project with a collection."""
        project = await made(owner.client, "/api/research-projects/", _names("Project", changes, acronym=True))
        if project["status"] != "active":
            admin = await self.person("root", site_admin=True)
            answer = await admin.client.post(f"/api/research-projects/{project['id']}/activate/")
            assert answer.status_code == 200, answer.text
        collection = await made(
            owner.client, "/api/collections/", {"research_project_id": project["id"], "name": "first"}
        )
        return Project(self, owner, UUID(project["id"]), UUID(collection["id"]))


@dataclass
class Project:
    """A research project of an owner, with one collection."""

    backend: Backend
    owner: Person
    id: UUID
    collection_id: UUID

    async def classification_project(self, **changes: Any) -> dict[str, Any]:
        """A classification project in it."""
        body = {"research_project_id": str(self.id), "name": f"look {uuid7().hex[-8:]}", **changes}
        return await made(self.owner.client, "/api/classification-projects/", body)

    async def link(self, classification_project_id: str | UUID) -> dict[str, Any]:
        """The collection, linked."""
        return await made(
            self.owner.client,
            f"/api/classification-projects/{classification_project_id}/collections/",
            {"collection_id": str(self.collection_id)},
        )

    async def deployment(self, **changes: Any) -> dict[str, Any]:
        """A deployment in it."""
        body = {"research_project_id": str(self.id), "deployment_id": f"D{uuid7().hex[-6:]}", **changes}
        return await made(self.owner.client, "/api/deployments/", body)

    def announced(self, data: bytes, name: str = "a.jpg", **changes: Any) -> dict[str, Any]:
        """The body that announces one file."""
        item = {"name": name, "path": name, "size_bytes": len(data), "sha256": sha256(data).hexdigest(), **changes}
        return {"research_project_id": str(self.id), "collection_id": str(self.collection_id), "items": [item]}

    async def upload(self, data: bytes, name: str = "a.jpg", **changes: Any) -> UUID:
        """Announce and send one file, or hear that it is there."""
        client = self.owner.client
        begun = await client.post("/api/uploads/", json=self.announced(data, name, **changes))
        assert begun.status_code == 200, begun.text
        item = begun.json()["items"][0]
        if item["status"] == "exists":
            return UUID(item["resource_id"])
        sent = await client.put(f"/api/uploads/{item['upload_id']}/content", content=data)
        assert sent.status_code == 200, sent.text
        return UUID(sent.json()["resource_id"])


@asynccontextmanager
async def backend(
    database_url: str, folder: Path, *, managers: Managers | None = None, **changes: Any
) -> AsyncGenerator[Backend, None]:
    """The real app on a world of its own."""
    async with world(database_url, folder, managers=managers, **changes) as work:
        opened = Backend(work, create_app(work=work), [])
        opened.app.state.work = work
        try:
            yield opened
        finally:
            for client in opened._clients:
                await client.aclose()


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST under a fresh idempotency key; the answer, which must be a success."""
    answer = await client.post(path, json=body, headers={"Idempotency-Key": uuid7().hex})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def changed(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """PATCH of a row with the version that it has now."""
    version = (await client.get(path)).headers["ETag"]
    return await client.patch(path, json=body, headers={"If-Match": version})


async def joined(inviter: Person, invited: Person, project: str, role: str) -> None:
    """Invite somebody into a project (`research-projects/ID` or `classification-projects/ID`), who accepts."""
    reply = await inviter.client.put(f"/api/{project}/members/", json={"email": invited.email, "role": role})
    assert (reply.status_code, reply.json()["state"]) == (200, "invited"), reply.text
    (invitation,) = (await invited.client.get("/api/invitations/")).json()["items"]
    accepted = await invited.client.post(f"/api/invitations/{invitation['id']}/accept/")
    assert accepted.status_code == 204, accepted.text


def _names(kind: str, changes: dict[str, Any], *, acronym: bool = False) -> dict[str, Any]:
    unique = uuid7().hex[-8:]
    return {"name": f"{kind} {unique}", **({"acronym": unique} if acronym else {}), **changes}


async def _user(db: Session, work: ExpertWork, email: str, site_admin: bool, active: bool) -> User:
    return await register(
        db,
        email=email,
        name=email.split("-", 1)[0],
        password_hash=PASSWORD_HASH,
        now=work.clock.now(),
        active=active,
        site_admin=site_admin,
    )
