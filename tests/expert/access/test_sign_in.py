"""Browsers hold a session and repeat its CSRF token; scripts send a token; nobody sends both."""

from datetime import timedelta

import pytest

from expert.access import queries
from expert.access.models import AccessToken, User
from expert.access.tasks import delete_ended_sessions
from tests.support.make.expert import Backend

EMAIL, PASSWORD = "Ann@Example.org", "correct horse battery"


async def registered(backend: Backend, *, activate: bool = True) -> None:
    answer = await backend.client().post("/api/users/", json={"email": EMAIL, "name": "Ann", "password": PASSWORD})
    assert answer.status_code == 202, answer.text
    assert PASSWORD not in answer.text
    if activate:
        admin = await backend.person("root", site_admin=True)
        async with backend.work.db() as db:
            user = await queries.user_by_email(db, EMAIL)
        assert user is not None
        answer = await admin.client.post(f"/api/users/{user.id}/activate/")
        assert answer.json()["is_active"] is True


async def test_a_person_registers_is_activated_and_signs_in(backend: Backend):
    await registered(backend)
    browser = backend.client()
    answer = await browser.post("/api/sessions/", json={"email": EMAIL.lower(), "password": PASSWORD})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("trapper_session=")
    assert {"HttpOnly", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    me = (await browser.get("/api/me/")).json()
    assert (me["email"], me["csrf_token"]) == (EMAIL, answer.json()["csrf_token"])


async def test_an_unsafe_request_of_a_browser_needs_its_csrf_token(backend: Backend):
    await registered(backend)
    browser = backend.client()
    csrf = (await browser.post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})).json()["csrf_token"]
    refused = await browser.post("/api/tokens/", json={"name": "t"})
    assert (refused.status_code, refused.json()["type"]) == (403, "csrf-missing")
    made = await browser.post("/api/tokens/", json={"name": "t"}, headers={"X-CSRF-Token": csrf})
    assert made.status_code == 201
    ended = await browser.delete("/api/sessions/current/", headers={"X-CSRF-Token": csrf})
    assert ended.status_code == 204
    assert (await browser.get("/api/me/")).status_code == 401


async def test_a_request_with_a_cookie_and_a_token_is_refused(backend: Backend):
    await registered(backend)
    browser = backend.client()
    await browser.post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})
    person = await backend.person()
    answer = await browser.get("/api/me/", headers={"Authorization": f"Bearer {person.token}"})
    assert (answer.status_code, answer.json()["type"]) == (400, "two-credentials")


async def test_nobody_signs_in_before_being_activated(backend: Backend):
    await registered(backend, activate=False)
    answer = await backend.client().post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer.json()["type"]) == (401, "sign-in-refused")


async def test_an_email_is_taken_whatever_its_case(backend: Backend):
    await registered(backend)
    body = {"email": EMAIL.upper(), "password": "another long password"}
    taken = await backend.client().post("/api/users/", json=body)
    free = await backend.client().post("/api/users/", json={**body, "email": "nobody@example.org"})
    assert (taken.status_code, taken.json()) == (free.status_code, free.json()) == (202, free.json())
    old = await backend.client().post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})
    new = await backend.client().post("/api/sessions/", json={"email": EMAIL, "password": body["password"]})
    assert (old.status_code, new.status_code) == (201, 401)


async def test_too_many_refused_tries_are_limited_per_account_also_with_the_right_password(backend: Backend):
    backend.work.settings = backend.work.settings.model_copy(
        update={
            "sign_in_failures": 2,
            "intervals": backend.work.settings.intervals.model_copy(update={"sign_in_window": 60.0}),
        }
    )
    await registered(backend)
    browser = backend.client()
    for _ in range(2):
        wrong = await browser.post("/api/sessions/", json={"email": EMAIL, "password": "wrong"})
        assert wrong.status_code == 401
    answer = await browser.post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, int(answer.headers["Retry-After"])) == (429, pytest.approx(60, abs=10))
    other = await browser.post("/api/sessions/", json={"email": "other@example.org", "password": "wrong"})
    assert other.status_code == 401
    backend.work.settings = backend.work.settings.model_copy(
        update={"intervals": backend.work.settings.intervals.model_copy(update={"sign_in_window": 0.001})}
    )
    await delete_ended_sessions(backend.work)
    assert (await browser.post("/api/sessions/", json={"email": EMAIL, "password": PASSWORD})).status_code == 201


async def test_a_token_is_shown_once_and_stored_as_a_hash(backend: Backend):
    person = await backend.person()
    made = (await person.client.post("/api/tokens/", json={"name": "script", "scopes": ["read"]})).json()
    assert made["token"].startswith("trapper_")
    listed = (await person.client.get("/api/tokens/")).json()["items"]
    assert {one["name"] for one in listed} == {"test", "script"}
    assert all("token" not in one for one in listed)
    async with backend.work.db() as db:
        row = await db.get_one(AccessToken, made["id"])
    assert made["token"] not in (row.token_hash, row.name)


async def test_a_revoked_or_expired_token_and_one_of_an_inactive_person_open_nothing(backend: Backend):
    person = await backend.person()
    made = (await person.client.post("/api/tokens/", json={"name": "script"})).json()
    bearer = backend.client({"Authorization": f"Bearer {made['token']}"})
    assert (await bearer.get("/api/me/")).status_code == 200
    async with backend.work.db() as db:
        row = await db.get_one(AccessToken, made["id"])
        expires_at = row.expires_at
        row.expires_at = row.created_at
    assert (await bearer.get("/api/me/")).status_code == 401
    async with backend.work.db() as db:
        row = await db.get_one(AccessToken, made["id"])
        row.expires_at = expires_at + timedelta(days=1)
        (await db.get_one(User, person.id)).is_active = False
    assert (await bearer.get("/api/me/")).status_code == 401
    async with backend.work.db() as db:
        (await db.get_one(User, person.id)).is_active = True
    assert (await bearer.delete(f"/api/tokens/{made['id']}/")).status_code == 204
    assert (await bearer.get("/api/me/")).status_code == 401


async def test_a_token_of_somebody_else_cannot_be_revoked(backend: Backend):
    ann, bob = await backend.person("ann"), await backend.person("bob")
    made = (await ann.client.post("/api/tokens/", json={"name": "mine"})).json()
    assert (await bob.client.delete(f"/api/tokens/{made['id']}/")).status_code == 404


async def test_an_unknown_scope_is_refused_by_name(backend: Backend):
    person = await backend.person()
    answer = await person.client.post("/api/tokens/", json={"name": "x", "scopes": ["everything"]})
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "scopes"])


async def test_only_site_admins_see_and_activate_people(backend: Backend):
    person = await backend.person()
    assert (await person.client.get("/api/users/")).status_code == 403
    assert (await person.client.post(f"/api/users/{person.id}/activate/")).status_code == 403
    async with backend.work.db() as db:
        assert await queries.user_by_email(db, person.email.upper()) is not None


async def test_a_malformed_authorization_header_is_refused(backend: Backend):
    answer = await backend.client({"Authorization": "Basic abc"}).get("/api/me/")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
