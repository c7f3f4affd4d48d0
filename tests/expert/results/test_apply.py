"""A kept batch becomes rows: all of them or none, once, and only when it is true to what was asked."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from expert.jobs.cancel import cancel_job
from expert.manager_client import Managers
from expert.results import apply as applying
from expert.results.apply import apply_batch
from tests.support.make.expert_ai import Scene, applied, asked_again, expert, received, scene, submitted
from tests.support.make.results import column, failed, results, seen
from trapper_kit.db import TaskMessage
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import HEADER, PROTOCOL
from trapper_schemas.v1.results import BatchResults

OBSERVATIONS = (
    "select observation_type, label, detection_confidence, classification_confidence, is_current, captured_at"
    " from observations order by id"
)


def three(made: Scene, **changes: Any) -> BatchResults:
    """A classified animal, a blank and a broken file, of this scene's pictures."""
    return results(**{"batch_id": uuid7(), "resource_ids": made.resource_ids, **changes})


async def test_a_batch_becomes_rows_outcomes_and_an_open_gate(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        await applied(made, job_id, three(made))
        found = await made.sql("select type, is_approved, version from classifications order by type, resource_id")
        assert found == [("ai", None, 0)] * 2 + [("final", False, 0)] * 2
        (animal, blank) = await made.sql(OBSERVATIONS)
        assert animal[:2] == ("animal", "red fox")
        assert animal[2:5] == (pytest.approx(0.9, abs=1e-4), pytest.approx(0.8, abs=1e-4), True)
        assert blank[:5] == ("blank", None, None, None, True)
        predictions = await made.sql("select label, score, terminal, top_k from predictions order by id")
        assert [(one[0], one[2]) for one in predictions] == [("animal", False), ("red fox", True)]
        assert [one["label"] for one in predictions[1][3]] == ["red fox", "roe deer"]
        outcomes = await made.sql("select outcome, code, has_animals from job_resources order by resource_id")
        assert outcomes == [("done", None, True), ("blank", None, False), ("failed", "undecodable", False)]
        assert await made.sql("select count(*) from linked_collection_resources where ai_ended_at is null") == [(0,)]
        ((taxon,),) = await made.sql("select taxon_id from observations where taxon_id is not null")
        assert taxon == made.taxa["Vulpes vulpes"]
        assert await made.broken() == {}


async def test_a_damaged_picture_without_detections_is_unclassified_and_not_blank(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        outcomes = (seen(), seen(damaged=True), failed())
        await applied(made, await submitted(made), three(made, outcomes=outcomes))
        found = await made.sql("select observation_type, label from observations order by id")
        assert found == [("animal", "red fox"), ("unclassified", None)]
        assert await made.sql("select outcome from job_resources order by resource_id") == [
            ("done",),
            ("done",),
            ("failed",),
        ]
        assert await made.sql("select done, blank, failed from received_batches") == [(2, 0, 1)]
        assert await made.broken() == {}


async def test_applying_twice_is_applying_once(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        received_id = await applied(made, await submitted(made), three(made))
        await apply_batch(work, received_id)
        await asyncio.gather(*(apply_batch(work, received_id) for _ in range(4)))
        assert await made.sql("select times_applied from received_batches") == [(1,)]
        assert await made.sql("select count(*) from observations") == [(2,)]
        assert await made.broken() == {}


async def test_the_last_of_batches_acknowledged_at_the_same_moment_has_the_job_followed(
    expert_database_url: str, tmp_path: Path
) -> None:
    together = asyncio.Barrier(3)

    async def agree(request: httpx.Request) -> httpx.Response:
        await together.wait()
        return httpx.Response(204, headers={HEADER: str(PROTOCOL)}, stream=httpx.ByteStream(b""), request=request)

    managers = Managers(transport=httpx.MockTransport(agree))
    async with expert(expert_database_url, tmp_path, managers=managers) as work:
        made = await scene(work)
        job_id = await submitted(made)
        ids = made.resource_ids
        kept = [
            await received(made, job_id, results(batch_id=uuid7(), resource_ids=[each], outcomes=(seen(),)))
            for each in ids
        ]
        sent: list[TaskMessage] = []
        work.database.task_sender = sent.extend
        await asyncio.gather(*(apply_batch(work, each) for each in kept))
        assert await made.sql("select count(*) from received_batches where acknowledged_at is null") == [(0,)]
        assert TaskMessage("jobs.follow", {"job_id": str(job_id)}) in sent


async def test_many_processes_that_apply_the_same_batch_write_it_once(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        received_id = await received(made, await submitted(made), three(made))
        await asyncio.gather(*(apply_batch(work, received_id) for _ in range(6)))
        assert await made.sql("select count(*) from classifications where type = 'ai'") == [(2,)]
        assert await made.broken() == {}


async def test_a_crash_inside_the_transaction_leaves_nothing_and_the_next_try_everything(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        received_id = await received(made, await submitted(made), three(made))

        async def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(applying.queries, "mark_applied", die)  # the last statement before the commit
            with pytest.raises(KeyboardInterrupt):
                await apply_batch(work, received_id)
        for table in ("classifications", "observations", "predictions"):
            assert await made.sql(f"select count(*) from {table}") == [(0,)]  # noqa: S608 - names of tables
        assert await made.sql("select distinct outcome from job_resources") == [("pending",)]
        await apply_batch(work, received_id)
        assert await made.sql("select count(*) from observations") == [(2,)]
        assert await made.broken() == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"resource_ids": "foreign"}, "resources"),
        ({"resource_ids": "twice"}, "resources"),
        ({"label": column("<u2", [7])}, "label"),
        ({"box": column("<u2", [60000, 0, 60000, 10], 4)}, "box"),
        ({"batch_id": "other"}, "other-batch"),
        ({"state": column("<u1", [0])}, "outcomes"),
    ],
)
async def test_a_blob_that_is_not_true_is_refused_and_ends_its_job(
    expert_database_url: str, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        ids = made.resource_ids
        special = {"foreign": (*ids[:2], uuid7()), "twice": (ids[0], ids[0], ids[1]), "other": uuid7()}
        given = {name: special[value] if isinstance(value, str) else value for name, value in change.items()}
        announced = uuid7()
        received_id = await received(made, job_id, three(made, **{"batch_id": announced} | given), batch_id=announced)
        await apply_batch(work, received_id)
        ((state, why),) = await made.sql("select state, reason from received_batches")
        assert (state, why.split(":")[0]) == ("refused", reason)
        ((stage, error, counts),) = await made.sql("select stage, error, failed from ai_classification_jobs")
        assert (stage, counts) == ("failed", 3)
        assert reason in error
        assert await made.sql("select count(*) from classifications") == [(0,)]
        assert await made.sql("select count(*) from linked_collection_resources where ai_ended_at is null") == [(0,)]
        assert await made.broken() == {}


@pytest.mark.parametrize("spoil", [lambda blob: blob[:-7], lambda _: b"not a blob", lambda blob: blob + b"\0"])
async def test_damaged_bytes_are_refused_with_a_reason(expert_database_url: str, tmp_path: Path, spoil: Any) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), spoil(three(made).to_blob()))
        assert await made.sql("select state from received_batches") == [("refused",)]
        assert await made.broken() == {}


async def test_a_batch_cannot_answer_for_resources_that_another_one_answered(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        await applied(made, job_id, three(made))
        await applied(made, job_id, three(made))
        states = await made.sql("select state from received_batches order by id")
        assert states == [("applied",), ("refused",)]
        assert await made.broken() == {}


async def test_late_results_of_a_cancelled_job_change_nothing(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        job_id = await submitted(made)
        received_id = await received(made, job_id, three(made))
        async with work.db() as db:
            await cancel_job(db, job_id, now=work.clock.now())
        await apply_batch(work, received_id)
        assert await made.sql("select count(*) from classifications") == [(0,)]
        assert await made.sql("select distinct outcome from job_resources") == [("cancelled",)]
        assert await made.sql("select stage, cancelled from ai_classification_jobs") == [("cancelled", 3)]
        assert await made.broken() == {}


async def test_below_the_threshold_is_blank_and_a_bench_is_nothing(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        answer = three(
            made,
            resource_index=[0, 1],
            frame_index=column("<u4", [0, 0]),
            box=column("<u2", [0, 0, 100, 100, 0, 0, 100, 100], 4),
            label=column("<u2", [0, 2]),
            score=column("<u2", [13000, 60000]),  # 0.198, and a bench
            classified_rows=(),
            top_label=column("<u2", [], 2),
            top_score=column("<u2", [], 2),
        )
        await applied(made, await submitted(made), answer)
        assert await made.sql("select distinct observation_type from observations") == [("blank",)]
        assert await made.broken() == {}


async def test_an_unsure_species_leaves_the_animal_to_the_detector(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), three(made, top_score=column("<u2", [20000, 10000], 2)))
        ((label, taxon, confidence),) = await made.sql(
            "select label, taxon_id, classification_confidence from observations where observation_type = 'animal'"
        )
        assert (label, taxon, confidence) == ("animal", None, None)
        assert await made.sql("select label, terminal from predictions order by id") == [
            ("animal", True),
            ("red fox", False),
        ]
        assert await made.broken() == {}


async def test_a_label_that_names_no_known_taxon_stays_a_label(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), three(made, top_label=column("<u2", [4, 1], 2)))
        ((label,),) = await made.sql("select label from observations where observation_type = 'animal'")
        assert label == "griffin"


async def test_an_equal_answer_writes_nothing_and_another_one_supersedes(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), three(made))
        before = await made.sql("select id from classifications where type = 'ai' order by id")
        await applied(made, await asked_again(made), three(made))
        assert await made.sql("select id from classifications where type = 'ai' order by id") == before
        moved = column("<u2", [6600, 13107, 19660, 26214], 4)
        await applied(made, await asked_again(made), three(made, box=moved))
        rows = await made.sql(
            "select resource_id, superseded_by_id is null from classifications where type = 'ai' order by id"
        )
        assert [current for _, current in rows] == [False, True, True] or len(rows) == 3
        current = await made.sql(
            "select is_current, matched_to_id from observations where label = 'red fox' order by id"
        )
        assert [one[0] for one in current] == [False, True]
        assert current[1][1] is not None
        assert await made.broken() == {}


async def test_another_provider_has_rows_of_its_own(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), three(made))
        twin = uuid7()
        await made.sql(
            "insert into ai_providers select :id, provider_type, connection_id, algorithm_id, name, '2', sha256,"
            " is_unpinned, availability, threshold_typical, threshold_conservative, nms_iou, embedding_dimension,"
            " licence, description, is_active, created_at from ai_providers where id = :d",
            id=twin,
            d=made.detector_id,
        )
        await made.sql("update classification_projects set object_detection_ai_model_id = :id", id=twin)
        await applied(made, await asked_again(made), three(made))
        rows = await made.sql(
            "select provider_id, count(*) from classifications"
            " where superseded_by_id is null and type = 'ai' group by 1"
        )
        assert sorted(rows) == sorted([(made.detector_id, 2), (twin, 2)])
        assert await made.broken() == {}


async def test_a_whole_batch_of_failures_writes_outcomes_and_no_rows(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        none: dict[str, Any] = {
            "resource_index": [],
            "frame_index": column("<u4", []),
            "box": column("<u2", [], 4),
            "label": column("<u2", []),
            "score": column("<u2", []),
            "classified_rows": (),
            "top_label": column("<u2", [], 2),
            "top_score": column("<u2", [], 2),
        }
        answer = three(made, outcomes=(failed(), failed(), failed(code="killed-worker", message="it died")), **none)
        await applied(made, await submitted(made), answer)
        assert await made.sql("select count(*) from classifications") == [(0,)]
        assert await made.sql("select code from job_resources order by resource_id") == [
            ("undecodable",),
            ("undecodable",),
            ("killed-worker",),
        ]
        assert await made.broken() == {}
