"""What was uploaded or shared wrongly is put right from the command line, on a real Expert."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from expert.access.state import ResearchRole
from expert.app import create_app
from expert.jobs.cover import cover_due
from tests.support.http_servers import serving
from tests.support.make.bad_pictures import encoded
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_cli.blocked import find_blocked, read_blocked
from trapper_client.app import run
from trapper_client.commands.complete import complete_job, complete_project, complete_research_project
from trapper_client.stack import connect

Call = Callable[..., Any]
"""Runs a command with --json as somebody; the value is its document with the exit code as `exit`."""


@pytest.fixture
async def made(expert_database_url: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        yield await scene(work)


@pytest.fixture
async def command(
    made: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncGenerator[Call]:
    app = create_app(work=made.work)
    app.state.work = made.work
    async with serving(app) as url:
        monkeypatch.setenv("TRAPPER_URL", url)
        monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])

        async def call(*words: str, who: str = "owner") -> Any:
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens[who])
            code = await asyncio.to_thread(run, [*words, "--json"])
            return {**json.loads(capsys.readouterr().out), "exit": code}

        yield call


async def test_photo_is_moved_to_another_deployment_with_its_own_time_and_visibility(
    made: Scene, command: Call
) -> None:
    photo, other, _ = map(str, made.resource_ids)
    await command("deployments", "create", "N1", "--research-project", "FOR")
    moved = await command(
        "resources", "move", photo, "no-such-photo", "--deployment", "N1", "--research-project", "FOR"
    )
    assert (moved["exit"], moved["ok"]) == (1, False)
    good, bad = moved["items"]
    assert (good["id"], good["resources_changed"], good["error"]) == (photo, 1, None)
    assert bad["error"]
    fields = ("--set", "time_override=2025-03-01T08:00:00+01:00", "--set", "visibility=public")
    assert (await command("resources", "change", photo, *fields))["ok"]
    row = await command("resources", "show", photo)
    assert (row["captured_at"], row["visibility"]) == ("2025-03-01T07:00:00Z", "public")
    listed = await command("resources", "list", "--deployment", "N1", "--research-project", "FOR")
    assert [item["id"] for item in listed["items"]] == [photo]
    assert (await command("resources", "archive", other))["ok"]
    archived = await command("resources", "list", "--archived", "--research-project", "FOR")
    assert [item["id"] for item in archived["items"]] == [other]
    assert (await command("resources", "unarchive", other))["ok"]
    assert (await command("resources", "list", "--archived", "--research-project", "FOR"))["items"] == []


async def test_deployment_and_collection_are_archived_and_brought_back(made: Scene, command: Call) -> None:
    await command("deployments", "create", "N1", "--research-project", "FOR")
    photos = [str(resource_id) for resource_id in made.resource_ids]
    await command("resources", "move", *photos, "--deployment", "N1", "--research-project", "FOR")
    gone = await command("deployments", "archive", "N1", "--research-project", "FOR")
    assert (gone["is_active"], gone["resources_changed"]) == (False, 3)
    back = await command("deployments", "unarchive", "N1", "--research-project", "FOR")
    assert (back["is_active"], back["resources_changed"]) == (True, 3)
    assert not (await command("collections", "archive", "Spring", "--research-project", "FOR"))["is_active"]
    assert (await command("collections", "unarchive", "Spring", "--research-project", "FOR"))["is_active"]


async def test_owner_of_a_collection_ends_a_link_and_consents_again(made: Scene, command: Call) -> None:
    (link,) = (await command("links", "of", "Spring", "--research-project", "FOR"))["items"]
    assert (link["classification_project_name"], link["state"]) == ("Deer", "open")
    ended = await command("links", "end", "Spring", link["id"], "--research-project", "FOR")
    assert ended["state"] == "revoked"
    listed = await command("links", "list", "--project", "deer")
    assert [row["blocked"]["code"] for row in listed["items"]] == ["link-revoked"]
    again = await command("links", "consent", "Spring", link["id"], "--research-project", "FOR")
    assert again["state"] == "open"


async def test_person_is_invited_accepts_and_is_removed(made: Scene, command: Call) -> None:
    await made.person("ann", None)
    project = ("--research-project", "FOR")
    email = "ann@example.org"
    set_ = await command("members", "set", email, ResearchRole.MEMBER.value, *project)
    assert set_["state"] == "invited"
    states = {row["email"]: row["state"] for row in (await command("members", "list", *project))["items"]}
    assert states == {"owner@example.org": "member", email: "invited"}
    (invitation,) = (await command("members", "invitations", who="ann"))["items"]
    assert (await command("members", "accept", invitation["id"], who="ann"))["exit"] == 0
    assert (await command("members", "invitations", who="ann"))["items"] == []
    assert (await command("members", "set", email, ResearchRole.MANAGER.value, *project))["state"] == "member"
    assert (await command("members", "remove", email, *project))["removed"] == email
    await command("members", "set", email, ResearchRole.MEMBER.value, *project)
    (invitation,) = (await command("members", "invitations", who="ann"))["items"]
    assert (await command("members", "decline", invitation["id"], who="ann"))["exit"] == 0
    assert len((await command("members", "list", *project))["items"]) == 1


async def test_places_collections_and_projects_are_made_and_changed(made: Scene, command: Call, tmp_path: Path) -> None:
    research = ("--research-project", "FOR")
    await command("locations", "create", "L1", *research, "--set", "latitude=52.7", "--set", "longitude=23.9")
    location = await command("locations", "change", "L1", *research, "--set", "name=Bridge")
    assert (location["name"], location["latitude"]) == ("Bridge", 52.7)
    await command("deployments", "create", "N1", *research, "--set", f"location_id={location['id']}")
    deployment = await command("deployments", "change", "N1", *research, "--set", "habitat=meadow")
    assert (deployment["habitat"], deployment["location_id"]) == ("meadow", location["id"])
    await command("collections", "create", "Summer", *research, "--set", "description=dry year")
    collection = await command("collections", "change", "summer", *research, "--set", "visibility=public")
    assert (collection["name"], collection["description"], collection["visibility"]) == ("Summer", "dry year", "public")
    photo = tmp_path / "a.jpg"
    photo.write_bytes(encoded())
    sent = await command("uploads", "send", str(photo), "--collection", "Summer", "--deployment", "N1", *research)
    assert [item["status"] for item in sent["items"]] == ["sent"]
    again = await command("uploads", "send", str(photo), "--collection", "Summer", "--deployment", "N1", *research)
    assert [item["status"] for item in again["items"]] == ["already there"]
    await command("projects", "create", "Foxes", *research, "--set", "object_detection_ai_model=demo-detector")
    project = await command("projects", "change", "Foxes", "--set", "detection_threshold=0.3")
    assert (project["detection_threshold"], project["object_detection_ai_model"]) == (0.3, str(made.detector_id))
    link = await command("links", "create", "Summer", "--project", "Foxes", *research)
    changed = await command("links", "change", link["id"], "--project", "Foxes", "--set", "is_active=false")
    assert (changed["is_active"], changed["sequence_interval_seconds"]) == (False, link["sequence_interval_seconds"])


async def test_values_are_completed_from_what_the_service_has(made: Scene, command: Call) -> None:
    await cover_due(made.work)
    (job,) = (await command("jobs", "list"))["items"]
    expected = {complete_project: "deer", complete_research_project: "FOR", complete_job: job["id"]}
    for complete, value in expected.items():
        assert await asyncio.to_thread(complete, value[:2]) == [value]
        assert await asyncio.to_thread(complete, "no-such") == []


async def test_what_waits_for_a_person_is_listed_with_reason_and_remedy(made: Scene, command: Call) -> None:
    assert await asyncio.to_thread(blocked_now) == []
    await made.sql("update ai_providers set is_unpinned = true where id = :s", s=made.classifier_id)
    (project,) = await asyncio.to_thread(blocked_now)
    assert (project["what"], project["code"]) == ("project deer", "provider-unpinned")
    assert project["what_to_do"] == "Confirm them with: trapper models pin demo-species"
    await made.sql("update ai_providers set is_unpinned = false")
    await cover_due(made.work)
    there = {"code": "workers-paused", "message": "Every worker is paused.", "what_to_do": "Resume one."}
    await made.sql(
        "update ai_classification_jobs set stage = 'queued', manager_job_id = gen_random_uuid(),"
        " blocked = cast(:b as jsonb)",
        b=json.dumps(there),
    )
    (job,) = await asyncio.to_thread(blocked_now)
    assert (job["what"].split()[0], job["message"]) == ("job", there["message"])
    (listed,) = (await command("jobs", "list"))["items"]
    assert listed["blocked"] == there


async def test_a_list_of_what_waits_that_cannot_be_read_says_so(command: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    await command("projects", "list")
    monkeypatch.setenv("TRAPPER_TOKEN", "not-a-token")
    (row,) = await asyncio.to_thread(find_blocked, None)
    assert row["code"] == "not-readable"
    assert row["message"].startswith("It could not be read: ")
    assert row["what_to_do"]


def blocked_now() -> list[dict[str, Any]]:
    with connect() as expert:
        return list(read_blocked(expert))
