"""Attacks on accounts: guessing, locking others out, finding out who is here, tokens that outlive their parent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, text

from expert.access import queries
from expert.access.check_password import refuse_weak_password
from expert.access.models import User
from expert.access.state import back_off_seconds
from tests.support.make.expert import Backend, Person, joined
from trapper_kit.problems import Invalid

PASSWORD = "a stone, a leaf, an unfound door"


def limit(backend: Backend, **changes: Any) -> None:
    intervals = backend.work.settings.intervals.model_copy(update={"sign_in_window": 60.0})
    backend.work.settings = backend.work.settings.model_copy(update={"intervals": intervals, **changes})


async def account(backend: Backend, email: str = "ann@example.org") -> User:
    registered = await backend.client().post("/api/users/", json={"email": email, "password": PASSWORD})
    assert registered.status_code == 202, registered.text
    async with backend.work.db() as db:
        user = await queries.user_by_email(db, email)
    assert user is not None
    admin = await backend.person("root", site_admin=True)
    assert (await admin.client.post(f"/api/users/{user.id}/activate/")).status_code == 200
    return user


def browser(backend: Backend, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=backend.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def signed_in(client: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    reply = await client.post("/api/sessions/", json={"email": "ann@example.org", "password": password})
    if reply.status_code == 201:
        client.headers["X-CSRF-Token"] = reply.json()["csrf_token"]
    return reply


async def test_parallel_guesses_count_each_other(backend: Backend) -> None:
    """118 of 120 guesses at the same moment were evaluated at a limit of 10."""
    limit(backend, sign_in_failures=5)
    await account(backend)
    async with browser(backend, "203.0.113.1") as client:
        replies = await asyncio.gather(*(signed_in(client, f"wrong {number}") for number in range(30)))
    statuses = [reply.status_code for reply in replies]
    assert (statuses.count(401), statuses.count(429)) == (5, 25)


async def test_guesses_of_others_lock_nobody_out(backend: Backend) -> None:
    limit(backend, sign_in_failures=3, sign_in_failures_per_account=6)
    await account(backend)
    async with browser(backend, "203.0.113.1") as home:
        assert (await signed_in(home)).status_code == 201
    statuses: list[int] = []
    for number in range(4):
        async with browser(backend, f"198.51.100.{number}") as attacker:
            statuses = [(await signed_in(attacker, "wrong")).status_code for _ in range(2)]
    assert statuses[-1] == 429  # from new addresses the account is held back
    async with browser(backend, "203.0.113.1") as home:
        assert (await signed_in(home)).status_code == 201  # from a known one it is not


async def test_registration_is_limited_and_tells_nothing(backend: Backend) -> None:
    limit(backend, sign_in_failures=4)
    await account(backend)
    stranger = backend.client()
    bodies = [{"email": email, "password": PASSWORD} for email in ("ann@example.org", "bob@example.org")]
    replies = [await stranger.post("/api/users/", json=body) for body in bodies]
    assert replies[0].content == replies[1].content
    statuses = [(await stranger.post("/api/users/", json=bodies[1])).status_code for _ in range(3)]
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "password",
    ["short", "12345678901", "password1234", "Passw0rd!!!!", "qwertyuiop[]", "aaaaaaaaaaaaaaaa", "abcabcabcabcabc",
     "ann.smith1234"],
)  # fmt: skip
async def test_weak_password_is_refused(backend: Backend, password: str) -> None:
    body = {"email": "ann.smith@example.org", "password": password}
    reply = await backend.client().post("/api/users/", json=body)
    assert reply.status_code == 422, password


def test_long_unusual_password_is_accepted() -> None:
    refuse_weak_password(PASSWORD, email="ann@example.org")
    refuse_weak_password("höher als die Fichten", email="ann@example.org")
    with pytest.raises(Invalid):
        refuse_weak_password("a" * 11, email="ann@example.org")


async def test_changed_password_ends_other_sessions_and_tokens(backend: Backend) -> None:
    user = await account(backend)
    async with browser(backend, "203.0.113.1") as here, browser(backend, "203.0.113.2") as there:
        await signed_in(here)
        await signed_in(there)
        token = (await here.post("/api/tokens/", json={"name": "script"})).json()["token"]
        body = {"current_password": "not this one", "new_password": PASSWORD + "!"}
        assert (await here.post("/api/me/password/", json=body)).status_code == 403
        assert (await here.post("/api/me/password/", json={**body, "current_password": PASSWORD})).status_code == 204
        assert (await here.get("/api/me/")).status_code == 200
        assert (await there.get("/api/me/")).status_code == 401
    assert (await backend.client({"Authorization": f"Bearer {token}"}).get("/api/me/")).status_code == 401
    async with browser(backend, "203.0.113.3") as again:
        assert (await signed_in(again)).status_code == 401
        assert (await signed_in(again, PASSWORD + "!")).status_code == 201
    admin = await backend.person("root", site_admin=True)
    actions = (await admin.client.get(f"/api/audit/?subject_id={user.id}")).json()["items"]
    assert {"signed-in", "sign-in-refused", "password-changed", "activated"} <= {entry["action"] for entry in actions}
    assert PASSWORD not in str(actions)


async def test_reset_and_deactivation_end_everything(backend: Backend) -> None:
    user = await account(backend)
    admin = await backend.person("root", site_admin=True)
    async with browser(backend, "203.0.113.1") as client:
        await signed_in(client)
        token = (await client.post("/api/tokens/", json={"name": "script"})).json()["token"]
        bearer = backend.client({"Authorization": f"Bearer {token}"})
        reset = await admin.client.post(f"/api/users/{user.id}/reset_password/")
        assert reset.status_code == 200
        assert (await client.get("/api/me/")).status_code == (await bearer.get("/api/me/")).status_code == 401
        client.cookies.clear()
        assert (await signed_in(client, reset.json()["password"])).status_code == 201
        assert (await admin.client.post(f"/api/users/{user.id}/deactivate/")).json()["is_active"] is False
        assert (await client.get("/api/me/")).status_code == 401
        client.cookies.clear()
        assert (await signed_in(client, reset.json()["password"])).status_code == 401
    assert (await admin.client.post(f"/api/users/{admin.id}/deactivate/")).status_code == 409


async def test_one_and_all_other_sessions_can_be_ended(backend: Backend) -> None:
    user = await account(backend)
    clients = [browser(backend, f"203.0.113.{number}") for number in range(1, 4)]
    for client in clients:
        await signed_in(client)
    first, second, third = clients
    sessions = (await first.get("/api/sessions/")).json()["items"]
    assert [session["is_current"] for session in sessions] == [True, False, False]
    assert (await first.delete(f"/api/sessions/{sessions[1]['id']}/")).json() == {"ended": 1}
    assert (await second.get("/api/me/")).status_code == 401
    assert (await first.delete("/api/sessions/")).json() == {"ended": 1}
    assert [(await client.get("/api/me/")).status_code for client in (first, third)] == [200, 401]
    assert (await first.delete("/api/sessions/current/")).status_code == 204
    assert (await first.get("/api/me/")).status_code == 401
    for client in clients:
        await client.aclose()
    entries = await audited(backend, actor_id=str(user.id))
    sessions_of = [(entry["action"], entry["details"]) for entry in entries if entry["action"] != "signed-in"]
    assert sessions_of == [
        ("signed-out", {"sessions": 1}),
        ("sessions-ended", {"sessions": 1}),
        ("sessions-ended", {"sessions": 1}),
    ]


async def audited(backend: Backend, **filters: str) -> list[dict[str, Any]]:
    """Entries of the audit log, newest first."""
    admin = await backend.person("auditor", site_admin=True)
    reply = await admin.client.get("/api/audit/", params={"limit": 200, **filters})
    assert reply.status_code == 200, reply.text
    return reply.json()["items"]


@pytest.mark.parametrize(("column", "days"), [("used_at", 7), ("expires_at", 30)])
async def test_session_ends_when_it_was_idle_and_at_the_latest_after_its_end(
    backend: Backend, column: str, days: int
) -> None:
    """The times of the stored session are moved into the past, as if the clock had gone on."""
    lasts = {"session_idle": 7 * 86400.0, "session_end": 30 * 86400.0}
    intervals = backend.work.settings.intervals.model_copy(update=lasts)
    backend.work.settings = backend.work.settings.model_copy(update={"intervals": intervals})
    await account(backend)
    for minutes, status in ((-1, 200), (1, 401)):
        async with browser(backend, "203.0.113.1") as client, backend.work.db() as db:
            assert (await signed_in(client)).status_code == 201
            await db.execute(
                text(f"update sessions set {column} = {column} - make_interval(days => :days, mins => :minutes)"),  # noqa: S608
                {"days": days, "minutes": minutes},
            )
            await db.commit()
            assert (await client.get("/api/me/")).status_code == status


async def test_security_events_are_audited_without_secrets(backend: Backend) -> None:
    """Tokens, roles, invitations and a reset, each with who did it; no password, token or cookie anywhere."""
    user, owner, admin = (
        await account(backend),
        await backend.person("owner"),
        await backend.person("root", site_admin=True),
    )
    project = await backend.project(owner)
    members = f"/api/research-projects/{project.id}/members/"
    secrets = [PASSWORD]
    async with browser(backend, "203.0.113.1") as client:
        await signed_in(client)
        secrets += client.cookies.values()
        token = (await client.post("/api/tokens/", json={"name": "script"})).json()
        secrets.append(token["token"])
        assert (await client.delete(f"/api/tokens/{token['id']}/")).status_code == 204
        for answer in ("decline", "accept"):
            assert (await owner.client.put(members, json={"email": user.email, "role": "member"})).status_code == 200
            (invitation,) = (await client.get("/api/invitations/")).json()["items"]
            path = f"/api/invitations/{invitation['id']}/"
            answered = await (client.delete(path) if answer == "decline" else client.post(f"{path}accept/"))
            assert answered.status_code == 204
    assert (await owner.client.put(members, json={"email": user.email, "role": "manager"})).status_code == 200
    assert (await owner.client.delete(f"{members}{user.id}/")).status_code == 204
    await owner.client.put(members, json={"email": "nobody@example.org", "role": "member"})
    invitations = f"/api/research-projects/{project.id}/invitations/"
    (withdrawn,) = (await owner.client.get(invitations)).json()["items"]
    assert (await owner.client.delete(f"{invitations}{withdrawn['id']}/")).status_code == 204
    reset = await admin.client.post(f"/api/users/{user.id}/reset_password/")
    secrets.append(reset.json()["password"])
    entries = await audited(backend)
    actors = {(entry["action"], entry["actor_id"]) for entry in entries}
    of_user = {"signed-in", "token-made", "token-revoked", "invitation-declined", "invitation-accepted"}
    of_owner = {"invited", "role-changed", "role-removed", "invitation-withdrawn"}
    expected = {(action, str(user.id)) for action in of_user} | {(action, str(owner.id)) for action in of_owner}
    assert expected | {("password-reset", str(admin.id))} <= actors
    assert [secret for secret in secrets if secret in str(entries)] == []


async def child_of(parent: Person, backend: Backend, **body: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    reply = await parent.client.post("/api/tokens/", json={"name": "child", **body})
    assert reply.status_code == 201, reply.text
    return reply.json(), backend.client({"Authorization": f"Bearer {reply.json()['token']}"})


async def test_read_token_manages_no_tokens_and_makes_no_projects(backend: Backend) -> None:
    reader = await backend.person("reader", scopes=("read",))
    tries = [
        await reader.client.post("/api/tokens/", json={"name": "child", "scopes": ["read"]}),
        await reader.client.get("/api/tokens/"),
        await reader.client.delete("/api/tokens/019abc00-0000-7000-8000-000000000000/"),
        await reader.client.get("/api/sessions/"),
        await reader.client.post("/api/me/password/", json={"current_password": "x", "new_password": PASSWORD}),
        await reader.client.post(
            "/api/research-projects/", json={"name": "n", "acronym": "n"}, headers={"Idempotency-Key": "1"}
        ),
    ]
    assert [reply.status_code for reply in tries] == [403] * 6


async def test_child_of_a_token_ends_with_it(backend: Backend) -> None:
    parent = await backend.person("ann", scopes=("read", "tokens"))
    child, bearer = await child_of(parent, backend, scopes=["tokens"], expires_in_days=366)
    grandchild = (await bearer.post("/api/tokens/", json={"name": "grandchild", "scopes": ["tokens"]})).json()
    listed = {row["name"]: row for row in (await parent.client.get("/api/tokens/")).json()["items"]}
    assert child["expires_at"] == grandchild["expires_at"] == listed["test"]["expires_at"]
    wider = await bearer.post("/api/tokens/", json={"name": "wider", "scopes": ["read"]})
    assert wider.status_code == 403
    assert (await parent.client.delete(f"/api/tokens/{listed['test']['id']}/")).status_code == 204
    for token in (child, grandchild):
        reply = await backend.client({"Authorization": f"Bearer {token['token']}"}).get("/api/me/")
        assert reply.status_code == 401


async def test_inviting_tells_nothing_about_who_is_here(backend: Backend) -> None:
    owner, other = await backend.person("owner"), await backend.person("other")
    project = await backend.project(owner)
    members = f"/api/research-projects/{project.id}/members/"
    replies = [
        await owner.client.put(members, json={"email": email, "role": "member"})
        for email in (other.email, "nobody@example.org")
    ]
    assert [(reply.status_code, reply.json()["state"]) for reply in replies] == [(200, "invited")] * 2
    assert len((await owner.client.get(members)).json()["items"]) == 1
    assert (await other.client.get(members)).status_code == 404
    stranger = await backend.person("stranger")
    (invitation,) = (await other.client.get("/api/invitations/")).json()["items"]
    assert (await stranger.client.post(f"/api/invitations/{invitation['id']}/accept/")).status_code == 404
    assert (await other.client.post(f"/api/invitations/{invitation['id']}/accept/")).status_code == 204
    assert (await other.client.get(members)).status_code == 200
    assert (await other.client.post(f"/api/invitations/{invitation['id']}/accept/")).status_code == 404


async def test_manager_cannot_invite_an_owner(backend: Backend) -> None:
    owner, manager = await backend.person("owner"), await backend.person("manager")
    project = await backend.project(owner)
    await joined(owner, manager, f"research-projects/{project.id}", "manager")
    body = {"email": "somebody@example.org", "role": "owner"}
    reply = await manager.client.put(f"/api/research-projects/{project.id}/members/", json=body)
    assert reply.status_code == 403


async def test_wait_after_failed_sign_ins_doubles_and_ends_with_success(backend: Backend) -> None:
    limit(backend, sign_in_failures=2)
    await account(backend)
    async with browser(backend, "203.0.113.1") as client:
        for _ in range(2):
            assert (await signed_in(client, "wrong")).status_code == 401
        waits: list[int] = []
        for _ in range(3):
            refused = await signed_in(client)
            assert refused.status_code == 429
            waits.append(int(refused.headers["Retry-After"]))
            await aged(backend, waits[-1])
            assert (await signed_in(client, "wrong")).status_code == 401  # one more, and no second one
            assert (await signed_in(client, "wrong")).status_code == 429
        assert waits == [pytest.approx(seconds, abs=10) for seconds in (60, 120, 240)]
        await aged(backend, 3600)
        assert (await signed_in(client)).status_code == 201
        client.cookies.clear()
        for _ in range(2):
            assert (await signed_in(client, "wrong")).status_code == 401


async def aged(backend: Backend, seconds: int) -> None:
    async with backend.work.db() as db:
        await db.execute(text("update sign_in_attempts set at = at - make_interval(secs => :s)"), {"s": seconds})


def test_back_off_never_exceeds_an_hour() -> None:
    waits = [back_off_seconds(failures, limit=10, first_seconds=300) for failures in (0, 9, 10, 11, 13, 14, 10_000)]
    assert waits == [0, 0, 300, 600, 2400, 3600, 3600]


async def test_known_and_unknown_emails_cost_the_same_statements(backend: Backend) -> None:
    """What takes the same work takes the same time: signing in, registering, inviting."""
    await account(backend)
    owner = await backend.person("owner")
    project = await backend.project(owner)
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        verb = statement.split(" ", 1)[0].lower()
        statements.append("release" if verb == "rollback" else verb)  # either ends the savepoint

    async def work_of(call: Callable[[str], Awaitable[httpx.Response]], email: str) -> list[str]:
        statements.clear()
        assert (await call(email)).status_code in {200, 202, 401}
        return list(statements)

    stranger = backend.client()
    calls: dict[str, Callable[[str], Awaitable[httpx.Response]]] = {
        "sign in": lambda email: stranger.post("/api/sessions/", json={"email": email, "password": "wrong"}),
        "register": lambda email: stranger.post("/api/users/", json={"email": email, "password": PASSWORD}),
        "invite": lambda email: owner.client.put(
            f"/api/research-projects/{project.id}/members/", json={"email": email, "role": "member"}
        ),
    }
    event.listen(Engine, "before_cursor_execute", count)
    try:
        for name, call in calls.items():
            known, unknown = [await work_of(call, email) for email in ("ann@example.org", "nobody@example.org")]
            assert known == unknown, name
            assert known, name
    finally:
        event.remove(Engine, "before_cursor_execute", count)
