"""Logits are kept where the project says so, and read again by prediction, one read for each blob."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from expert.classification_projects.state import KeepLogits, keeps_logits
from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.outputs.read_logits import Logits, UnreadLogits, _rows, read_logits
from tests.support.make.expert_ai import SPECIES_LABELS, Scene, applied, asked_again, expert, scene, submitted
from tests.support.make.results import column, results, seen
from trapper_kit.columns import to_column
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.results import BatchResults

LABELS = len(SPECIES_LABELS)
DETECTIONS_PER_PICTURE = 2


def logits_of(rows: int, seed: int) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(scale=20, size=(rows, LABELS)).astype("<f2")


def batch(resource_ids: Sequence[UUID], logits: NDArray[np.float16] | None, **changes: Any) -> BatchResults:
    """Two classified animals in each picture."""
    count = len(resource_ids) * DETECTIONS_PER_PICTURE
    return results(
        batch_id=uuid7(),
        resource_ids=resource_ids,
        outcomes=[seen() for _ in resource_ids],
        resource_index=[index // DETECTIONS_PER_PICTURE for index in range(count)],
        classified_rows=range(count),
        frame_index=column("<u4", [0] * count),
        box=column("<u2", [6553, 13107, 19660, 26214] * count, 4),
        label=column("<u2", [0] * count),
        score=column("<u2", [58981 - 7 * (row % DETECTIONS_PER_PICTURE) for row in range(count)]),
        top_label=column("<u2", [3, 1] * count, 2),
        top_score=column("<u2", [52428, 6553] * count, 2),
        logits=None if logits is None else to_column(logits),
        **changes,
    )


async def species_predictions(made: Scene) -> list[UUID]:
    return [row[0] for row in await made.sql("select id from predictions where output_row is not null order by id")]


async def collected(work: ExpertWork, ids: Sequence[UUID], **limits: int) -> list[Logits | UnreadLogits]:
    return [piece async for piece in read_logits(work, ids, **limits)]


@pytest.mark.parametrize(
    ("setting", "labels", "kept"),
    [
        (KeepLogits.AUTO, 5_000, True),
        (KeepLogits.AUTO, 5_001, False),
        (KeepLogits.ALWAYS, 29_000, True),
        (KeepLogits.NEVER, 2, False),
    ],
)
def test_auto_keeps_logits_of_up_to_5000_labels(setting: KeepLogits, labels: int, kept: bool) -> None:
    assert keeps_logits(setting, labels) is kept


@pytest.mark.parametrize(
    ("project", "override", "kept"),
    [("auto", None, True), ("never", None, False), ("never", "always", True), ("always", "never", False)],
)
async def test_a_job_asks_for_logits_as_its_project_or_its_override_says(
    expert_database_url: str, tmp_path: Path, project: str, override: str | None, kept: bool
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, keep_logits=KeepLogits(project))
        body = {
            "classification_project_id": str(made.project_id),
            "linked_collection_id": str(made.linked_collection_id),
            "overrides": {"keep_logits": override} if override else {},
        }
        async with made.as_("owner") as client:
            reply = await client.post("/api/ai-classification-jobs/", json=body, headers={"Idempotency-Key": "1"})
        assert reply.status_code == 201, reply.text
        stages = await made.sql("select job_config -> 'stages' from ai_classification_jobs")
        assert [stage["logits"] for stage in stages[0][0]] == [False, kept]


async def test_every_prediction_gets_its_own_logits_with_one_read_of_each_blob(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=6)
        job_id = await submitted(made)
        first, second = logits_of(6, 1), logits_of(6, 2)
        await applied(made, job_id, batch(made.resource_ids[:3], first))
        await applied(made, job_id, batch(made.resource_ids[3:], second))
        ids = await species_predictions(made)
        reads: list[str] = []
        read = work.blobs.read

        async def counted(key: str, *arguments: Any) -> bytes:
            reads.append(key)
            return await read(key, *arguments)

        monkeypatch.setattr(work.blobs, "read", counted)
        wanted = {ids[index]: np.concatenate([first, second])[index] for index in (11, 0, 7, 3)}
        pieces = await collected(work, list(wanted), max_bytes=1)
        assert len(reads) == 2
        assert len(pieces) == len(wanted)  # a row is the least that fits
        for piece in pieces:
            assert isinstance(piece, Logits)
            assert piece.values.dtype == np.float16
            np.testing.assert_array_equal(piece.values[0], wanted[piece.prediction_ids[0]])
        (whole, _) = await collected(work, ids)
        assert isinstance(whole, Logits)
        np.testing.assert_array_equal(whole.values, first)


async def test_predictions_without_logits_are_left_out_and_a_lost_blob_is_named(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=4)
        job_id = await submitted(made)
        await applied(made, job_id, batch(made.resource_ids[:2], None))
        await applied(made, job_id, batch(made.resource_ids[2:], logits_of(4, 3)))
        everything = [row[0] for row in await made.sql("select id from predictions order by id")]
        (piece,) = await collected(work, [*everything, uuid7()])
        assert list(piece.prediction_ids) == (await species_predictions(made))[4:]
        ((sha256,),) = await made.sql("select sha256 from received_batches where logits_algorithm_id is not null")
        await work.blobs.delete(blob_key(sha256))
        (unread,) = await collected(work, everything)
        assert isinstance(unread, UnreadLogits)
        assert sha256 in unread.reason
        assert len(unread.prediction_ids) == 4


@given(data=st.data())
def test_rows_of_a_blob_come_back_in_the_order_that_is_asked_for(data: st.DataObject) -> None:
    pictures = data.draw(st.integers(1, 5))
    logits = logits_of(pictures * DETECTIONS_PER_PICTURE, data.draw(st.integers(0, 9)))
    rows = data.draw(st.lists(st.integers(0, len(logits) - 1), max_size=20))
    blob = batch([uuid7() for _ in range(pictures)], logits).to_blob()
    np.testing.assert_array_equal(_rows(blob, rows), logits[rows])


async def test_a_run_that_says_the_same_but_brings_logits_is_pointed_to_also_by_a_locked_row(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=2)
        await applied(made, await submitted(made), batch(made.resource_ids, None))
        rows = "select id, job_id, content_hash from classifications where type = 'ai' order by resource_id"
        before = await made.sql(rows)
        async with made.as_("owner") as client:
            path = f"/api/media-classifications/classifications/{before[0][0]}/"
            final = (await client.get(path)).json()["final_classification_id"]
            version = (await client.get(f"/api/media-classifications/classifications/{final}/")).headers["ETag"]
            approved = await client.post(f"{path}approve/", headers={"If-Match": version})
        assert approved.status_code == 200, approved.text
        logits = logits_of(4, 4)
        again = await applied(made, await asked_again(made), batch(made.resource_ids[::-1], logits))
        assert await made.sql(rows) == before
        places = "select received_batch_id, batch_row from classifications where type = 'ai' order by resource_id"
        assert await made.sql(places) == [(again, 1), (again, 0)]
        (piece,) = await collected(work, await species_predictions(made))
        assert isinstance(piece, Logits)
        by_id = dict(zip(piece.prediction_ids, piece.values.tolist(), strict=True))
        in_order = [by_id[prediction_id] for prediction_id in await species_predictions(made)]
        assert in_order == logits[[2, 3, 0, 1]].tolist()
        third = await applied(made, await asked_again(made), batch(made.resource_ids, None))
        assert await made.sql("select count(*) from classifications where received_batch_id = :id", id=third) == [(0,)]
        assert await made.broken() == {}
