"""A project whose AI cannot run says why and what to do, and people are not locked out for good."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from expert.classification_projects.state import ChosenProvider, blocked_reason
from expert.jobs.cover import cover_due
from expert.jobs.state import JobStage, blocked_job
from tests.support.make.expert_ai import Scene, add_pictures, expert, scene
from trapper_schemas.blocked import Blocked
from trapper_schemas.ids import uuid7

PROVIDER = ChosenProvider(
    name="demo",
    availability="ready",
    is_active=True,
    is_unpinned=False,
    connection_id=uuid4(),
    connection_name="manager",
    connection_is_active=True,
    sync_problem=None,
)


NO_WORKER = Blocked(
    code="no-worker-for-runtime",
    message="No enrolled worker runs hailo.",
    what_to_do="Enrol one: trapper workers token",
)


def changed(**changes: Any) -> ChosenProvider:
    return ChosenProvider(**{**PROVIDER.__dict__, **changes})


@pytest.mark.parametrize(
    ("required", "has_detector", "providers", "code"),
    [
        (False, False, [], None),
        (False, True, [PROVIDER], None),
        (True, False, [], "no-detector"),
        (False, False, [PROVIDER], "no-detector"),
        (False, True, [PROVIDER, changed(connection_id=uuid4())], "several-managers"),
        (False, True, [changed(connection_is_active=False)], "connection-inactive"),
        (False, True, [PROVIDER, changed(is_active=False, availability="bring")], "provider-inactive"),
        (False, True, [changed(is_unpinned=True)], "provider-unpinned"),
        (False, True, [changed(sync_problem="it did not answer")], "manager-unreachable"),
        (False, True, [changed(blocked_there=NO_WORKER)], "no-worker-for-runtime"),
    ],
)
def test_each_cause_has_a_code(required: bool, has_detector: bool, providers: list[ChosenProvider], code: Any) -> None:
    reason = blocked_reason(required=required, has_detector=has_detector, providers=providers)
    assert (reason and reason.code) == code
    assert reason is None or (reason.message.endswith((".", "answer")) and reason.what_to_do)


def test_an_open_job_tells_what_its_manager_or_its_submission_says() -> None:
    told = {"code": "no-runtime", "message": "No worker has this runtime.", "what_to_do": "Enrol one."}
    assert blocked_job(JobStage.QUEUED, None, None) is None
    assert blocked_job(JobStage.QUEUED, None, told).model_dump() == told  # type: ignore[union-attr]
    assert blocked_job(JobStage.FINISHED, None, told) is None
    assert blocked_job(JobStage.CREATED, "not submitted yet: it did not answer", None).code == "not-submitted"  # type: ignore[union-attr]


async def project_of(made: Scene) -> dict[str, Any]:
    async with made.as_("owner") as client:
        path = f"/api/classification-projects/{made.project_id}/"
        project = (await client.get(path)).json()
        links = (await client.get(f"{path}collections/")).json()["items"]
        assert [link["blocked"] for link in links] == [project["blocked"]]
        return project


async def test_an_unpinned_model_blocks_the_project_until_it_is_pinned(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        assert (await project_of(made))["blocked"] is None
        await made.sql("update ai_providers set is_unpinned = true where id = :s", s=made.classifier_id)
        blocked = (await project_of(made))["blocked"]
        assert (blocked["code"], blocked["what_to_do"]) == (
            "provider-unpinned",
            "Confirm them with: trapper models pin demo-species",
        )
        async with made.as_("owner") as client:  # wiring it answers the warning at once
            answer = await client.patch(
                f"/api/classification-projects/{made.project_id}/",
                json={"species_ai_model": str(made.classifier_id)},
                headers={"If-Match": '"1"'},
            )
            assert (answer.status_code, answer.json()["blocked"]) == (200, blocked)
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]
        await made.sql("update ai_providers set is_unpinned = false")
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(1,)]


async def test_required_ai_without_a_detector_is_said_and_an_unreadable_file_waits_for_none(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None, required_ai_classification=True)
        assert (await project_of(made))["blocked"]["code"] == "no-detector"
        unreadable = uuid7()
        await add_pictures(made, [unreadable])
        await made.sql(
            "update resources set state = 'unreadable', failure_code = 'undecodable' where id = :u", u=unreadable
        )
        statuses = []
        async with made.as_("owner") as client:
            for resource_id in (unreadable, next(one for one in made.resource_ids if one != unreadable)):
                body = {
                    "classification_project_id": str(made.project_id),
                    "resource_id": str(resource_id),
                    "dynamic_attrs": [{"observation_type": "unknown", "observation_level": "group", "count": 1}],
                }
                answer = await client.post(
                    "/api/media-classifications/classifications/",
                    json=body,
                    headers={"Idempotency-Key": str(resource_id)},
                )
                statuses.append(answer.status_code)
            path = f"/api/classification-projects/{made.project_id}/collections/{made.linked_collection_id}/counts/"
            counts = (await client.get(path)).json()
        assert statuses == [201, 409]
        assert counts == {"resources": 4, "taken": 0, "ai_ended": 1, "unreadable": 1}


async def test_wiring_a_model_that_no_worker_can_run_warns_and_the_reason_stays(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None)
        await made.sql(
            "update ai_providers set blocked = cast(:b as jsonb) where id = :d",
            b=NO_WORKER.model_dump_json(),
            d=made.detector_id,
        )
        async with made.as_("owner") as client:
            wired = await client.patch(
                f"/api/classification-projects/{made.project_id}/",
                json={"object_detection_ai_model": str(made.detector_id)},
                headers={"If-Match": '"1"'},
            )
        assert wired.status_code == 200
        blocked = wired.json()["blocked"]
        assert blocked["code"] == "no-worker-for-runtime"
        assert blocked["message"].endswith("No enrolled worker runs hailo.")
        assert blocked["what_to_do"] == "Enrol one: trapper workers token"
        assert (await project_of(made))["blocked"] == blocked


async def link_of(made: Scene) -> dict[str, Any]:
    async with made.as_("owner") as client:
        path = f"/api/classification-projects/{made.project_id}/collections/"
        (link,) = (await client.get(path)).json()["items"]
        (as_owner,) = (await client.get(f"/api/collections/{made.collection_id}/links/")).json()["items"]
        assert as_owner["blocked"] == link["blocked"]
        return link


STOPS = {
    "project-finished": ("classification_projects set status =", "'ongoing'", "'finished'"),
    "collection-archived": ("collections set is_active =", "true", "false"),
    "link-paused": ("classification_project_collections set is_active =", "true", "false"),
}


async def test_a_stopped_link_is_blocked_while_its_photos_wait(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        for code, (change, running, stopped) in STOPS.items():
            assert (await link_of(made))["blocked"] is None
            await made.sql(f"update {change} {stopped}")
            await cover_due(work)
            assert (await link_of(made))["blocked"]["code"] == code
            await made.sql(f"update {change} {running}")
        await cover_due(work)
        for change, _, stopped in STOPS.values():
            await made.sql(f"update {change} {stopped}")
        assert (await link_of(made))["blocked"] is None
