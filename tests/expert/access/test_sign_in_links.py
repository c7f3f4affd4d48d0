"""A link signs a person in once, within minutes, from the machine that it was made on."""

from datetime import timedelta

import httpx
from sqlalchemy import select

from expert.access.models import SignInLink, User
from expert.access.sign_in import LINK_LASTS, make_link
from expert.access.tasks import delete_ended_sessions
from tests.support.make.expert import Backend, Person

BY_LINK = "/api/sessions/by-link/"


async def link_of(backend: Backend, person: Person) -> str:
    async with backend.work.db() as db:
        path = await make_link(db, user_id=person.id, now=backend.work.clock.now())
    return path.removeprefix("/sign-in#link=")


async def test_link_signs_its_person_in_once(backend: Backend) -> None:
    person = await backend.person("ann")
    token = await link_of(backend, person)
    browser = backend.client()
    reply = await browser.post(BY_LINK, json={"token": token})
    assert (reply.status_code, reply.json()["user"]["id"]) == (201, str(person.id))
    assert (await browser.get("/api/me/")).json()["csrf_token"] == reply.json()["csrf_token"]
    again = await backend.client().post(BY_LINK, json={"token": token})
    assert (again.status_code, again.json()["type"]) == (401, "sign-in-refused")


async def test_expired_link_is_refused_and_swept(backend: Backend) -> None:
    person = await backend.person("ann")
    token = await link_of(backend, person)
    async with backend.work.db() as db:
        row = await db.scalar(select(SignInLink))
        assert row is not None
        row.expires_at -= LINK_LASTS + timedelta(seconds=1)
    reply = await backend.client().post(BY_LINK, json={"token": token})
    assert reply.status_code == 401
    await delete_ended_sessions(backend.work)
    async with backend.work.db() as db:
        assert await db.scalar(select(SignInLink)) is None


async def test_link_of_an_inactive_person_is_refused(backend: Backend) -> None:
    person = await backend.person("ann")
    token = await link_of(backend, person)
    async with backend.work.db() as db:
        (await db.get_one(User, person.id)).is_active = False
    assert (await backend.client().post(BY_LINK, json={"token": token})).status_code == 401


async def test_link_from_another_machine_is_refused_and_stays_valid(backend: Backend) -> None:
    token = await link_of(backend, await backend.person("ann"))
    transport = httpx.ASGITransport(app=backend.app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as elsewhere:
        reply = await elsewhere.post(BY_LINK, json={"token": token})
    assert reply.status_code == 401
    assert "machine" in reply.json()["detail"]
    assert (await backend.client().post(BY_LINK, json={"token": token})).status_code == 201
