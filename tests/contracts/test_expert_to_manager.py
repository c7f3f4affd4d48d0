"""The Expert's side of a job against the real Manager: whatever happens in between, it ends the same."""

from uuid import UUID

import httpx
import pytest

from expert.jobs import submit
from expert.jobs.queries import connection_of, get
from expert.jobs.submit import send_job, submit_job
from expert.manager_client import ManagerClient
from expert.providers.open_connection import open_connection
from expert.results import fetch
from expert.results.apply import apply_batch
from expert.results.close import close_job
from expert.results.fetch import fetch_results
from expert.results.listen import _receive
from tests.contracts.conftest import Pair
from tests.support.make.results import column, failed, seen
from trapper_kit.db import TaskMessage
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import JobState


async def client(pair: Pair) -> ManagerClient:
    async with pair.expert.work.db() as db:
        ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
        job = await get(db, job_id)
        assert job is not None
        return open_connection(pair.expert.work, await connection_of(db, job))


async def finished(pair: Pair) -> None:
    for _ in range(3):
        await pair.sweep()
    assert await pair.stage() == "finished"
    assert (await client(pair)) is not None
    told = await (await client(pair)).read_job(await pair.there())
    assert told.unacknowledged == 0
    await pair.sound()


async def test_a_job_goes_there_and_its_results_come_back(pair: Pair) -> None:
    await pair.sweep()
    assert await pair.stage() == "submitted"
    machine = await pair.manager.worker()
    await pair.plan()
    (lease,) = await machine.claim()
    reference = lease.resources[0]
    grant = {"Trapper-Media-Grant": lease.media_grant}
    async with pair.expert.as_("owner") as anybody:
        del anybody.headers["Authorization"]
        answer = await anybody.get(httpx.URL(reference.url).path, headers=grant)
        assert answer.content == f"picture {reference.id}".encode()
        assert int(answer.headers["content-length"]) == reference.size_bytes
        assert (await anybody.get(httpx.URL(reference.url).path)).json()["type"] == "media-grant-refused"
        forged = {"Trapper-Media-Grant": lease.media_grant[:-2] + "AA"}
        assert (await anybody.get(httpx.URL(reference.url).path, headers=forged)).status_code == 403
        elsewhere = await anybody.get(f"/api/media/{uuid7()}/inference", headers=grant)
        assert (elsewhere.status_code, elsewhere.json()["type"]) == (404, "resource-not-in-job")
    assert (await machine.finish(lease, found=(0,))).status_code == 200
    await pair.plan()
    assert await pair.work_off(machine) == 2
    await finished(pair)
    ((done, blank, animals, stages),) = await pair.expert.sql(
        "select done, blank, with_animals, stages from ai_classification_jobs"
    )
    assert (done, blank, animals) == (1, 4, 1)
    assert [one["stage"] for one in stages][0::100] == ["created"]
    assert [one["stage"] for one in stages][-1] == "finished"
    async with pair.expert.as_("owner") as anybody:
        over = await anybody.get(httpx.URL(reference.url).path, headers=grant)
        assert over.status_code == 403


async def test_submitting_again_after_a_crash_makes_no_second_job(pair: Pair) -> None:
    pair.faults.unavailable = ("/api/",)
    await pair.sweep()
    pair.faults.unavailable = ()
    work = pair.expert.work
    async with work.db() as db:
        ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
        job = await get(db, job_id)
        assert job is not None
        manager = open_connection(work, await connection_of(db, job))
    first = await send_job(work, manager, job)  # it arrived, and then this process died
    await pair.sweep()
    assert await pair.there() == first
    assert len(await pair.manager.rows("select id from jobs")) == 1


async def test_many_pages_arrive_once_each_whatever_was_sent_before(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "PAGE", 2)
    pair.faults.unavailable = ("/resources/",)  # the first page arrives, the second does not
    await pair.sweep()
    assert await pair.stage() == "created"
    pair.faults.unavailable = ()
    await pair.sweep()
    assert await pair.stage() == "submitted"
    assert await pair.manager.rows("select total, sealed from jobs") == [{"total": 5, "sealed": True}]
    await pair.expert.sql("update ai_classification_jobs set stage = 'created'")  # as if it had not been noted
    await pair.sweep()
    assert await pair.manager.rows("select total, sealed from jobs") == [{"total": 5, "sealed": True}]


async def test_a_manager_that_does_not_answer_is_asked_again(pair: Pair) -> None:
    pair.faults.unavailable = ("/api/",)
    await pair.sweep()
    ((stage, error),) = await pair.expert.sql("select stage, error from ai_classification_jobs")
    assert stage == "created"
    assert error.startswith("not submitted yet")
    pair.faults.unavailable = ()
    await pair.sweep()
    assert await pair.expert.sql("select stage, error from ai_classification_jobs") == [("submitted", None)]


async def test_a_refusal_of_the_job_itself_ends_it_with_the_managers_words(pair: Pair) -> None:
    await pair.manager.execute("update models set state = 'retired' where name = 'test-detector'")
    await pair.sweep()
    ((stage, error, failures),) = await pair.expert.sql("select stage, error, failed from ai_classification_jobs")
    assert (stage, failures) == ("failed", 5)
    assert "test-detector" in error
    assert await pair.expert.sql("select distinct code from job_resources") == [("job-failed",)]
    await pair.sound()


async def test_what_failed_there_failed_here_for_the_same_reason(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    (lease,) = await machine.claim()
    none = [seen() for _ in lease.resources]
    assert (await machine.finish(lease, outcomes=(failed(), *none[1:]))).status_code == 200
    await pair.work_off(machine)
    manager = await client(pair)
    (failure,) = (await manager.failures(await pair.there())).items
    await finished(pair)
    ((resource_id, code, message),) = await pair.expert.sql(
        "select resource_id, code, message from job_resources where outcome = 'failed'"
    )
    assert (failure.resource_id, failure.code, failure.message) == (resource_id, code, message)


async def test_where_everything_failed_each_has_its_own_reason_and_nothing_stays_unacknowledged(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    while leases := await machine.claim(limit=8):
        for lease in leases:
            assert (await machine.finish(lease, outcomes=[failed() for _ in lease.resources])).status_code == 200
        await pair.plan()
    await pair.settle()
    assert (await (await client(pair)).read_job(await pair.there())).state is JobState.FAILED
    await finished(pair)
    reasons = await pair.expert.sql("select distinct outcome, code from job_resources")
    assert reasons == [("failed", failed().code.value)]


async def test_a_cancelled_job_is_cancelled_there_and_its_late_results_are_nobodys(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    (lease,) = await machine.claim()
    assert (await machine.finish(lease)).status_code == 200
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    async with pair.expert.as_("owner") as owner:
        first = await owner.post(f"/api/ai-classification-jobs/{job_id}/cancel/")
        again = await owner.post(f"/api/ai-classification-jobs/{job_id}/cancel/")
    assert (first.status_code, first.json()["stage"], again.json()["stage"]) == (200, "cancelled", "cancelled")
    await pair.sweep()
    assert await pair.expert.sql("select manager_settled_at is not null from ai_classification_jobs") == [(True,)]
    assert await pair.manager.rows("select state from jobs") == [{"state": "cancelled"}]
    assert await pair.expert.sql("select count(*) from classifications") == [(0,)]
    await pair.sound()


async def test_a_job_that_is_cancelled_before_its_id_is_known_stops_there_too(pair: Pair) -> None:
    pair.faults.unavailable = ("/resources/",)
    await pair.sweep()
    work = pair.expert.work
    await pair.expert.sql("update ai_classification_jobs set manager_job_id = null, stage = 'created'")
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    async with pair.expert.as_("owner") as owner:
        await owner.post(f"/api/ai-classification-jobs/{job_id}/cancel/")
    pair.faults.unavailable = ()
    await pair.sweep()
    assert await pair.manager.rows("select state from jobs") == [{"state": "cancelled"}]
    await submit_job(work, job_id)
    assert await pair.stage() == "cancelled"


@pytest.mark.parametrize("shut", ["/fetched/", "/results/"])
async def test_whatever_call_fails_on_the_way_back_is_made_again(pair: Pair, shut: str) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    pair.faults.unavailable = (shut,)
    await pair.sweep()
    assert await pair.stage() in {"running", "fetch_results"}
    pair.faults.unavailable = ()
    await finished(pair)
    assert await pair.expert.sql("select distinct times_applied from received_batches") == [(1,)]


async def test_a_job_closed_after_its_last_acknowledgement_ends_at_the_notification(
    pair: Pair,
) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    for lease in await machine.claim(limit=8):
        assert (await machine.finish(lease)).status_code == 200
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    await fetch_results(pair.expert.work, job_id)
    for (received_id,) in await pair.expert.sql("select id from received_batches"):
        await apply_batch(pair.expert.work, received_id)
    await pair.settle()
    sent: list[TaskMessage] = []
    pair.expert.work.database.task_sender = sent.extend
    await fetch_results(pair.expert.work, job_id)
    assert sent == [TaskMessage("results.close", {"job_id": str(job_id)})]
    await close_job(pair.expert.work, job_id)
    assert await pair.stage() == "finished"


async def test_a_death_between_blob_and_row_or_row_and_rows_costs_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")

    async def die(*_: object, **__: object) -> UUID:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(fetch.queries, "note", die)
        with pytest.raises(KeyboardInterrupt):
            await fetch_results(pair.expert.work, job_id)  # the blob is there, the row is not
    assert await pair.expert.sql("select count(*) from received_batches") == [(0,)]
    await fetch_results(pair.expert.work, job_id)  # the rows are there, nothing is applied
    assert await pair.expert.sql("select distinct state from received_batches") == [("kept",)]
    await finished(pair)


async def test_bytes_that_are_not_the_announced_ones_are_not_kept(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    await pair.manager.execute("update saved_results set sha256 = sha256")
    manager = await client(pair)
    (first, *_) = (await manager.closed_results(await pair.there())).items
    lying = first.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(Problem) as refused:
        await fetch.keep_batch(pair.expert.work, manager, job_id, lying)
    assert refused.value.type == "blob-differs"
    assert await pair.expert.sql("select count(*) from received_batches") == [(0,)]


async def test_a_notification_only_makes_us_look_and_an_unknown_one_is_dropped(pair: Pair) -> None:
    await pair.sweep()
    sent: list[TaskMessage] = []

    def note(messages: list[TaskMessage]) -> None:
        sent.extend(messages)

    pair.expert.work.database.task_sender = note  # type: ignore[assignment]  # any function of that shape
    await _receive(pair.expert.work, str(await pair.there()))
    await _receive(pair.expert.work, str(uuid7()))
    await _receive(pair.expert.work, "nonsense")
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    assert sent == [TaskMessage("results.fetch", {"job_id": str(job_id)})]


async def test_the_machine_list_tells_every_resource_once_also_below_the_threshold(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    (lease,) = await machine.claim()
    outcomes = (seen(), failed())
    answer = await machine.finish(lease, outcomes=outcomes, found=(0,), score=column("<u2", [9000]))  # 0.137
    assert answer.status_code == 200, answer.text
    await pair.work_off(machine)
    await finished(pair)
    path = f"/api/classification-projects/{pair.expert.project_id}/machine-detections/"
    told: list[dict[str, object]] = []
    cursor = None
    async with pair.expert.as_("owner") as owner:
        while True:
            page = (await owner.get(path, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
            told += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        strict = (await owner.get(path, params={"min_score": 0.5})).json()["items"]
    assert sorted(str(one["resource_id"]) for one in told) == sorted(map(str, pair.expert.resource_ids))
    by_id = {str(one["resource_id"]): one for one in told}
    (box,) = by_id[str(lease.resources[0].id)]["detections"]  # type: ignore[misc]  # JSON
    assert (box["label"], box["observation_type"], box["score"]) == ("animal", "animal", pytest.approx(0.137, abs=1e-3))
    broken = by_id[str(lease.resources[1].id)]
    assert (broken["outcome"], broken["code"]) == ("failed", "undecodable")
    assert all(one["detector"]["name"] == "test-detector" for one in told)  # type: ignore[index]  # JSON
    assert all(one["detections"] == [] for one in strict)


async def test_parsing_again_under_another_threshold_supersedes_without_inference(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    machine = await pair.manager.worker()
    (lease,) = await machine.claim()
    await machine.finish(lease, found=(0,))
    await pair.work_off(machine)
    await finished(pair)
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    path = f"/api/ai-classification-jobs/{job_id}/reparse_results/"
    async with pair.expert.as_("owner") as owner:
        assert (await owner.post(path)).json()["stage"] == "fetch_results"
        assert (await owner.post(path)).json()["type"] == "job-still-open"
    await finished(pair)
    assert await pair.expert.sql("select count(*) from classifications where type = 'ai'") == [(5,)]
    async with pair.expert.as_("owner") as owner:
        await owner.post(path, json={"detection_threshold": 0.95})
    await finished(pair)
    found = await pair.expert.sql("select done, blank, with_animals from ai_classification_jobs")
    assert found == [(0, 5, 0)]
    assert await pair.expert.sql("select count(*) from classifications where superseded_by_id is not null") == [(1,)]
    rows = await pair.expert.sql(
        "select job_config_version, count(*) from classifications where type = 'ai' group by 1 order by 1"
    )
    assert rows == [(1, 5), (3, 1)]
    async with pair.expert.as_("owner") as owner:
        parses = (await owner.get(f"/api/ai-classification-jobs/{job_id}/parses/")).json()["items"]
    thresholds = [(parse["version"], parse["job_config"]["detection_threshold"]) for parse in parses]
    assert thresholds == [(1, thresholds[0][1]), (2, thresholds[0][1]), (3, 0.95)]
    assert [parse["superseded"] for parse in parses] == [None, None, 0]
