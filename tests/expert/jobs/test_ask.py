"""A person asks: how many it would take, what is missing, what failed, and never the same twice by accident."""

from pathlib import Path
from typing import Any

import httpx

from expert.access.state import ClassificationRole
from expert.jobs.cover import cover_due
from expert.jobs.end import end_job
from expert.jobs.state import JobStage
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import DETECTOR, failed, results, seen
from trapper_schemas.ids import uuid7

BLOCKED = '{"code": "no-runtime", "message": "No worker has this runtime.", "what_to_do": "Enrol one."}'
JOBS = "/api/ai-classification-jobs/"


async def ask(made: Scene, *, who: str = "owner", key: str | None = None, **body: Any) -> httpx.Response:
    given = {
        "classification_project_id": str(made.project_id),
        "linked_collection_id": str(made.linked_collection_id),
        **body,
    }
    async with made.as_(who) as client:
        return await client.post(JOBS, json=given, headers={"Idempotency-Key": key or str(uuid7())})


async def finish(made: Scene, **changes: Any) -> None:
    job_id = await submitted(made)
    await applied(made, job_id, results(batch_id=uuid7(), resource_ids=made.resource_ids, **changes))
    await made.sql("update received_batches set acknowledged_at = now()")
    async with made.work.db() as db:
        await end_job(db, job_id, JobStage.FINISHED, now=made.work.clock.now(), settled=True)


async def test_asking_takes_what_is_due_at_once_so_that_no_sweep_takes_it_again(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        would = (await ask(made, dry_run=True)).json()
        assert would == {"job": None, "operation_id": None, "resources": 3}
        answer = await ask(made, interactive=True)
        assert (answer.status_code, answer.json()["resources"]) == (201, 3)
        assert answer.json()["job"]["created_by"] == str(made.user_ids["owner"])
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(1,)]
        assert await made.broken() == {}


async def test_the_same_key_makes_one_job_and_another_body_is_refused(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        first, second = await ask(made, key="k"), await ask(made, key="k")
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["job"]["id"] == second.json()["job"]["id"]
        assert (await ask(made, key="k", interactive=True)).json()["type"] == "idempotency-key-reused"


async def test_only_what_is_missing_under_the_same_models_is_asked(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        assert (await ask(made, missing_only=True, dry_run=True)).json()["resources"] == 3
        await submitted(made)
        assert (await ask(made, missing_only=True)).json() == {"job": None, "operation_id": None, "resources": 0}
        await made.sql("update ai_classification_jobs set stage = 'cancelled', closed_at = now()")
        await made.sql("update job_resources set outcome = 'cancelled'")
        assert (await ask(made, missing_only=True, dry_run=True)).json()["resources"] == 3
        other = {"species_ai_model": None}
        await made.sql("update job_resources set outcome = 'done'")
        assert (await ask(made, missing_only=True, dry_run=True)).json()["resources"] == 0
        assert (await ask(made, missing_only=True, dry_run=True, overrides=other)).json()["resources"] == 3


async def test_a_failure_that_may_pass_is_missing_and_one_of_the_file_is_not(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await finish(made, outcomes=(seen(), failed(), failed(code="killed-worker", message="it died")))
        assert (await ask(made, missing_only=True, dry_run=True)).json()["resources"] == 1
        async with made.as_("owner") as client:
            ((job_id,),) = await made.sql("select id from ai_classification_jobs")
            again = await client.post(
                f"{JOBS}{job_id}/rerun/", json={"failed_only": True, "dry_run": True}, headers={"Idempotency-Key": "r"}
            )
            whole = await client.post(f"{JOBS}{job_id}/rerun/", headers={"Idempotency-Key": "s"})
            found = (await client.get(f"{JOBS}{job_id}/resources/", params={"outcome": "failed"})).json()["items"]
        assert again.json() == {"job": None, "operation_id": None, "resources": 2}
        assert (whole.status_code, whole.json()["resources"]) == (201, 3)
        assert sorted(one["code"] for one in found) == ["killed-worker", "undecodable"]
        assert await made.broken() == {}


async def test_overrides_are_frozen_into_the_job_and_change_nothing_else(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        answer = await ask(made, overrides={"detection_threshold": 0.7, "species_ai_model": None, "top_k": 3})
        config = answer.json()["job"]["job_config"]
        assert [one["kind"] for one in config["stages"]] == ["detection"]
        assert (config["stages"][0]["threshold"], config["stages"][0]["top_k"]) == (0.7, 3)
        await made.sql("update classification_projects set detection_threshold = 0.9")
        assert await made.sql("select job_config->'detection_threshold' from ai_classification_jobs") == [(0.7,)]


async def test_a_job_that_is_run_again_keeps_its_overrides_unless_others_are_given(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        first = (await ask(made, overrides={"detection_threshold": 0.7, "species_ai_model": None})).json()["job"]
        path = f"{JOBS}{first['id']}/rerun/"
        async with made.as_("owner") as client:
            kept = (await client.post(path, headers={"Idempotency-Key": "kept"})).json()["job"]["job_config"]
            body = {"overrides": {"detection_threshold": 0.4}}
            given = await client.post(path, json=body, headers={"Idempotency-Key": "given"})
        assert (kept["stages"], kept["overrides"]) == (first["job_config"]["stages"], first["job_config"]["overrides"])
        changed = given.json()["job"]["job_config"]
        assert (changed["detection_threshold"], len(changed["stages"])) == (0.4, 1)


async def test_a_job_runs_other_models_than_its_project_where_its_overrides_name_them(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None, species_ai_model_id=None, match_iou=0.3)
        mine = {
            "object_detection_ai_model": str(made.detector_id),
            "species_ai_model": str(made.classifier_id),
            "classification_threshold": None,
            "nms_iou": 0.6,
        }
        job = (await ask(made, overrides=mine)).json()["job"]
        config = job["job_config"]
        assert [stage["provider_id"] for stage in config["stages"]] == [str(made.detector_id), str(made.classifier_id)]
        assert (config["nms_iou"], config["stages"][0]["nms_iou"], config["match_iou"]) == (0.6, 0.6, 0.3)
        assert config["classification_threshold"] == config["stages"][1]["threshold"] == 0.2  # the model's typical one
        assert config["overrides"] == mine
        assert await made.sql(
            "select object_detection_ai_model_id, species_ai_model_id, nms_iou from classification_projects"
        ) == [(None, None, 0.45)]
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(1,)]


async def test_two_jobs_of_one_project_at_once_each_have_their_own_detector(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None)
        other = await made.detector("other-detector", sha256="d" * 64)
        jobs = [
            (await ask(made, overrides={"object_detection_ai_model": str(detector), "species_ai_model": None})).json()
            for detector in (made.detector_id, other)
        ]
        stages = [answer["job"]["job_config"]["stages"] for answer in jobs]
        assert [[stage["model"]["name"] for stage in each] for each in stages] == [
            [DETECTOR.name],
            ["other-detector"],
        ]
        rows = await made.sql("select detection_provider_id, stage from ai_classification_jobs order by id")
        assert rows == [(made.detector_id, "created"), (other, "created")]


async def test_an_override_that_does_not_fit_is_refused_by_name_and_makes_nothing(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        for overrides in (
            {"object_detection_ai_model": str(made.classifier_id)},
            {"species_ai_model": str(uuid7())},
            {"embedding_ai_model": str(made.classifier_id), "species_ai_model": None},
        ):
            answer = await ask(made, overrides=overrides)
            (name,) = overrides.keys() - {"species_ai_model"} or overrides.keys()
            assert answer.status_code == 422
            assert [error["loc"] for error in answer.json()["errors"]] == [["body", "overrides", name]]
        unknown = await ask(made, overrides={"detection_provider_id": str(made.detector_id)})
        assert unknown.json()["errors"][0]["loc"] == ["body", "overrides", "detection_provider_id"]
        without = await ask(made, overrides={"object_detection_ai_model": None})
        assert without.json()["type"] == "no-detection-provider"
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]


async def test_a_scope_must_be_the_projects_own(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        foreign = await ask(made, linked_collection_id=str(uuid7()))
        assert (foreign.status_code, foreign.json()["errors"][0]["loc"]) == (422, ["body", "linked_collection_id"])
        known, unknown = str(made.resource_ids[0]), str(uuid7())
        for link in (None, str(made.linked_collection_id)):
            refused = await ask(made, linked_collection_id=link, resource_ids=[known, unknown])
            assert (refused.status_code, refused.json()["resource_ids"]) == (422, [unknown])
            assert refused.json()["errors"][0]["loc"] == ["body", "resource_ids"]
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]
        one = await ask(made, linked_collection_id=None, resource_ids=[str(made.resource_ids[0])])
        assert (one.status_code, one.json()["resources"]) == (201, 1)
        assert one.json()["job"]["linked_collection_id"] == str(made.linked_collection_id)


async def test_a_project_without_a_detector_cannot_be_asked(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None)
        assert (await ask(made)).json()["type"] == "no-detection-provider"


async def test_only_who_runs_the_ai_may_ask_and_a_stranger_sees_no_job(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.person("annotator", ClassificationRole.ANNOTATOR)
        await made.person("stranger", None)
        job_id = (await ask(made)).json()["job"]["id"]
        assert (await ask(made, who="annotator")).status_code == 403
        assert (await ask(made, who="stranger")).status_code == 404
        async with made.as_("stranger") as client:
            assert (await client.get(f"{JOBS}{job_id}/")).status_code == 404
            assert (await client.get(JOBS)).json()["items"] == []
        async with made.as_("annotator") as client:
            assert (await client.get(f"{JOBS}{job_id}/")).json()["total"] == 3
            assert len((await client.get(JOBS, params={"stage": "created"})).json()["items"]) == 1
            assert (await client.get(JOBS, params={"stage": "finished"})).json()["items"] == []
            assert (await client.get(JOBS, params={"state": "created"})).status_code == 422
            (job,) = (await client.get(JOBS, params={"id": job_id, "provider_id": str(made.detector_id)})).json()[
                "items"
            ]
            assert job["provider"] == {"id": str(made.detector_id), "name": "demo-detector", "version": "1"}
            assert (job["pending"], job["progress"], job["blocked"]) == (3, 0.0, None)


async def test_a_job_that_is_over_is_not_cancelled(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await finish(made)
        ((job_id,),) = await made.sql("select id from ai_classification_jobs")
        async with made.as_("owner") as client:
            answer = await client.post(f"{JOBS}{job_id}/cancel/")
        assert (answer.status_code, answer.json()["type"]) == (409, "job-closed")


async def test_the_counts_of_a_job_meet_its_total_in_every_reply(expert_database_url: str, tmp_path: Path) -> None:
    def check(job: dict[str, Any]) -> None:
        ended = job["done"] + job["blank"] + job["failed"] + job["cancelled"]
        assert ended + job["pending"] == job["total"] == 3
        assert job["progress"] == ended / 3

    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        check((await ask(made)).json()["job"])
        ((job_id,),) = await made.sql("select id from ai_classification_jobs")
        ids = list(made.resource_ids)
        async with made.as_("owner") as client:
            for outcome, resource_id in (("done", ids[0]), ("blank", ids[1])):
                await made.sql("update job_resources set outcome = :o where resource_id = :r", o=outcome, r=resource_id)
                check((await client.get(f"{JOBS}{job_id}/")).json())
                check((await client.get(JOBS)).json()["items"][0])
            await made.sql("update ai_classification_jobs set blocked = cast(:b as jsonb)", b=BLOCKED)
            assert (await client.get(f"{JOBS}{job_id}/")).json()["blocked"]["code"] == "no-runtime"
            cancelled = (await client.post(f"{JOBS}{job_id}/cancel/")).json()
            check(cancelled)
            assert (cancelled["pending"], cancelled["cancelled"], cancelled["blocked"]) == (0, 1, None)
