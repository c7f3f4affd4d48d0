"""Features become embeddings in the transaction that records a batch, or later from its kept blob."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from expert.algorithms.add_partition import ensure_partition
from expert.algorithms.queries_partitions import dimension_of
from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.operations.run import run_operation
from expert.outputs.check_vectors import check_vectors
from expert.outputs.errors import DimensionDiffers, VectorsMissing
from expert.outputs.queries_invariants import INVARIANTS
from expert.outputs.write_embeddings import write_embeddings
from tests.expert.outputs.test_logits import batch
from tests.support.make.expert_ai import Scene, applied, asked_again, expert, scene, submitted
from trapper_kit.columns import to_column
from trapper_schemas.ids import uuid7

DIMENSION = 8
EMBEDDINGS = "select e.vector::text from embeddings e join observations o on o.id = e.observation_id order by o.id"


def features_of(rows: int, seed: int, dimension: int = DIMENSION) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(size=(rows, dimension)).astype("<f2")


async def with_features(work: ExpertWork, *, resources: int | Sequence[UUID] = 2, embeds: bool = True) -> Scene:
    """A scene whose classifier gives features, and is the project's embedding model."""
    made = await scene(work, resources=resources)
    await made.sql(
        "update ai_providers set embedding_dimension = :dimension where id = :id",
        dimension=DIMENSION,
        id=made.classifier_id,
    )
    if embeds:
        await set_embedding_model(made)
    async with work.db() as db:
        assert await ensure_partition(db, await algorithm(made), DIMENSION) is None
    return made


async def set_embedding_model(made: Scene) -> None:
    await made.sql("update classification_projects set embedding_ai_model_id = species_ai_model_id")


async def algorithm(made: Scene) -> UUID:
    ((algorithm_id,),) = await made.sql("select algorithm_id from ai_providers where id = :id", id=made.classifier_id)
    return algorithm_id


async def stored(made: Scene) -> NDArray[np.float32]:
    """The vectors, in the order of their observations."""
    rows = await made.sql(EMBEDDINGS)
    return np.array([[float(value) for value in row[0].strip("[]").split(",")] for row in rows], dtype=np.float32)


async def broken(made: Scene) -> dict[str, object]:
    own = {name: await made.sql(statement) for name, statement in INVARIANTS.items()}
    return {**await made.broken(), **{name: rows for name, rows in own.items() if rows}}


async def test_features_are_stored_to_the_bit_with_the_rows_of_their_batch(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await with_features(work)
        features = features_of(4, 1)
        await applied(made, await submitted(made), batch(made.resource_ids, None, features=to_column(features)))
        np.testing.assert_array_equal(await stored(made), features.astype(np.float32))
        assert await broken(made) == {}


async def test_features_that_nobody_asks_for_stay_in_the_blob_until_a_backfill_stores_them(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await with_features(work, resources=4, embeds=False)
        job_id = await submitted(made)
        first, second = features_of(4, 2), features_of(4, 3)
        await applied(made, job_id, batch(made.resource_ids[:2], None, features=to_column(first)))
        lost = await applied(made, job_id, batch(made.resource_ids[2:], None, features=to_column(second)))
        path = f"/api/classification-projects/{made.project_id}/embeddings/"
        async with made.as_("owner") as client:
            refused = await client.post(path, json={}, headers={"Idempotency-Key": "0"})
            assert (refused.status_code, refused.json()["type"]) == (409, "no-embedding-model")
            assert len(await stored(made)) == 0
            await set_embedding_model(made)
            ((sha256,),) = await made.sql("select sha256 from received_batches where id = :id", id=lost)
            blob = await work.blobs.read(blob_key(sha256))
            await work.blobs.delete(blob_key(sha256))
            for key, present, errors in (("1", first, 1), ("2", np.concatenate([first, second]), 0)):
                started = await client.post(path, json={}, headers={"Idempotency-Key": key})
                assert started.status_code == 202, started.text
                await run_operation(work, UUID(started.json()["operation_id"]))
                ended = (await client.get(started.headers["Location"])).json()
                assert (ended["state"], ended["done"], ended["total"]) == ("finished", 2, 2)
                assert ended["counters"]["unreadable"] == errors
                np.testing.assert_array_equal(await stored(made), present.astype(np.float32))
                await work.blobs.put(blob_key(sha256), blob)
        assert await broken(made) == {}


async def test_a_run_that_says_the_same_and_brings_features_adds_embeddings_alone(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await with_features(work)
        await applied(made, await submitted(made), batch(made.resource_ids, None))
        before = await made.sql("select id from observations order by id")
        features = features_of(4, 4)
        await applied(made, await asked_again(made), batch(made.resource_ids, None, features=to_column(features)))
        assert await made.sql("select id from observations order by id") == before
        np.testing.assert_array_equal(await stored(made), features.astype(np.float32))
        assert await broken(made) == {}


async def test_another_dimension_is_refused_at_every_boundary(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await with_features(work)
        algorithm_id = await algorithm(made)
        wide = features_of(4, 5, DIMENSION + 1)
        received = await applied(made, await submitted(made), batch(made.resource_ids, None, features=to_column(wide)))
        ((state, reason),) = await made.sql("select state, reason from received_batches where id = :id", id=received)
        assert (state, reason.split(":")[0]) == ("refused", "shape")
        async with work.db() as db:
            with pytest.raises(DimensionDiffers):
                await write_embeddings(db, received, algorithm_id, wide)
        async with work.db() as db:
            reason = await ensure_partition(db, algorithm_id, DIMENSION + 1)
            assert reason == "it gives 9 features, and 8 were stored of each object; publish it as a new version"
            assert (
                await ensure_partition(db, uuid7(), 4_001) == "it gives 4001 features, and at most 4000 can be stored"
            )
            assert await dimension_of(db, algorithm_id) == DIMENSION
        with pytest.raises(Exception, match="embeddings_dimension_check"):
            await made.sql(
                "insert into embeddings select :algorithm, gen_random_uuid(), '[1,2]'::halfvec", algorithm=algorithm_id
            )


async def test_a_process_does_not_start_on_a_database_without_vectors(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        await check_vectors(expert_database_url)
        async with work.db() as db:
            await db.execute(text("drop extension vector cascade"))
        with pytest.raises(VectorsMissing, match="pgvector"):
            await check_vectors(expert_database_url)
    await check_vectors("postgresql://nobody@127.0.0.1:9/nothing")  # away: that is for readiness
