"""Similar objects are found by their features, within what the caller may see, exactly or by the index."""

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from expert.access.state import ClassificationRole
from expert.algorithms.queries_partitions import partition_of
from expert.deployments.models import Deployment
from expert.deps import ExpertWork
from expert.similarity import find_similar as finding
from tests.expert.outputs.test_embeddings import algorithm, features_of, with_features
from tests.expert.outputs.test_logits import DETECTIONS_PER_PICTURE, batch
from tests.support.make.expert_ai import Scene, applied, expert, submitted
from trapper_kit.columns import to_column
from trapper_schemas.ids import uuid7

PICTURES = 60


async def populated(work: ExpertWork) -> tuple[Scene, list[UUID], NDArray[np.float32]]:
    """A scene with embeddings: the ids of its objects, and their features."""
    made = await with_features(work, resources=PICTURES)
    features = features_of(PICTURES * DETECTIONS_PER_PICTURE, 6)
    await applied(made, await submitted(made), batch(made.resource_ids, None, features=to_column(features)))
    ids = [row[0] for row in await made.sql("select id from observations order by id")]
    return made, ids, features.astype(np.float32)


def nearest(features: NDArray[np.float32], index: int) -> tuple[list[int], NDArray[np.float32]]:
    """The others by cosine distance, nearest first, computed without a database."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = 1 - unit @ unit[index]
    return [int(other) for other in np.argsort(distances) if other != index], distances


async def similar(made: Scene, observation_id: UUID, *, who: str = "owner", **query: Any) -> httpx.Response:
    async with made.as_(who) as client:
        return await client.get(f"/api/observations/{observation_id}/similar/", params=query)


async def test_the_nearest_by_cosine_come_first_and_never_the_object_itself(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made, ids, features = await populated(work)
        order, distances = nearest(features, 5)
        reply = (await similar(made, ids[5], limit=20)).json()
        assert (reply["is_exact"], reply["algorithm_id"]) == (True, str(await algorithm(made)))
        assert [item["observation"]["id"] for item in reply["items"]] == [str(ids[other]) for other in order[:20]]
        assert [item["distance"] for item in reply["items"]] == pytest.approx(distances[order[:20]].tolist(), abs=1e-4)


async def test_the_index_finds_the_same_and_fills_the_limit_under_a_narrow_filter(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made, ids, features = await populated(work)
        (deployment_id, rare) = uuid7(), ids[7:120:37]
        async with work.db() as db:
            db.add(Deployment(id=deployment_id, research_project_id=made.research_project_id, deployment_id="D1"))
        await made.sql("update observations set deployment_id = :d where id = any(:ids)", d=deployment_id, ids=rare)
        monkeypatch.setattr(finding.find_similar, "__kwdefaults__", {"algorithm_id": None, "exact_below": 3})
        order, _ = nearest(features, 5)
        reply = (await similar(made, ids[5], limit=10)).json()
        found = {item["observation"]["id"] for item in reply["items"]}
        assert not reply["is_exact"]
        assert len(found & {str(ids[other]) for other in order[:10]}) >= 9
        filtered = (await similar(made, ids[5], limit=4, deployment_id=str(deployment_id))).json()
        expected = [str(ids[other]) for other in order if ids[other] in rare]
        assert [item["observation"]["id"] for item in filtered["items"]] == expected
        plan = await explain(work, made, ids[5])
        assert "hnsw_idx" in plan
        assert "Seq Scan on embeddings" not in plan


async def explain(work: ExpertWork, made: Scene, observation_id: UUID) -> str:
    """The plan of the search by the index, from the statement that PostgreSQL ran last."""
    async with work.db() as db:
        await db.execute(text("set local enable_sort = off"))
        name = partition_of(await algorithm(made))
        rows = await db.execute(
            text(
                f"explain select observation_id from {name} join observations o on o.id = observation_id "  # noqa: S608
                "where o.is_current order by vector::halfvec(8) <=> (select vector::halfvec(8) from embeddings "
                "where observation_id = :id) limit 10"
            ),
            {"id": observation_id},
        )
        return "\n".join(row[0] for row in rows)


async def test_a_caller_finds_only_what_he_may_see_and_superseded_objects_are_left_out(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made, ids, features = await populated(work)
        await made.person("viewer", ClassificationRole.VIEWER)
        await made.person("stranger", None)
        order, _ = nearest(features, 0)
        await made.sql("update observations set is_current = false where id = :id", id=ids[order[0]])
        reply = (await similar(made, ids[0], who="viewer", limit=3)).json()
        assert [item["observation"]["id"] for item in reply["items"]] == [str(ids[other]) for other in order[1:4]]
        foreign = await similar(made, ids[0], who="stranger")
        absent = await similar(made, uuid7(), who="stranger")
        assert (foreign.status_code, foreign.json()["detail"]) == (404, absent.json()["detail"])
        await made.sql("update classification_project_collections set revoked_at = now()")
        assert (await similar(made, ids[0], who="viewer")).status_code == 404


async def test_a_copy_of_a_person_is_compared_by_its_source_and_an_object_without_features_says_what_to_do(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made, ids, features = await populated(work)
        ((row_id,),) = await made.sql("select classification_id from observations where id = :id", id=ids[0])
        async with made.as_("owner") as client:
            path = f"/api/media-classifications/classifications/{row_id}/fork/"
            forked = await client.post(path, headers={"Idempotency-Key": "1"})
        copy = next(row for row in forked.json()["dynamic_attrs"] if row["copied_from_id"] == str(ids[0]))
        order, _ = nearest(features, 0)
        reply = (await similar(made, UUID(copy["id"]), limit=2)).json()
        assert [item["observation"]["id"] for item in reply["items"]] == [str(ids[other]) for other in order[:2]]
        await made.sql("delete from embeddings where observation_id = :id", id=ids[1])
        refused = await similar(made, ids[1])
        assert (refused.status_code, refused.json()["type"]) == (409, "no-embedding")
        assert "embedding_ai_model" in refused.json()["title"]
