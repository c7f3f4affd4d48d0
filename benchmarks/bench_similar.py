"""The search for similar objects: how long it takes, and how many of the nearest the index finds.

The real statements in one process, on a PostgreSQL on the same machine. Features are drawn around centers, as those of
a few hundred kinds of animals would lie. The filter is a deployment with one in a hundred of the objects.
"""

import asyncio
import sys
import time
from uuid import UUID

import numpy as np

from benchmarks.bench_sequences import opened
from benchmarks.report import Options, Row, Size, parse_options, quantile, report
from expert.access.state import Caller
from expert.algorithms.add_partition import ensure_partition
from expert.deployments.models import Deployment
from expert.deps import ExpertWork
from expert.outputs.queries import copy_embeddings
from expert.similarity.find_similar import EXACT_BELOW, Similar, find_similar
from expert.similarity.queries import SimilarFilters
from tests.support.make.expert_ai import Scene, scene
from trapper_schemas.ids import uuid7

NAME = "similar"
SIZES = {Size.FULL: (300_000, 50), Size.QUICK: (100_000, 20), Size.TINY: (300, 3)}
"""Objects with features, and searches of each kind."""
DIMENSION, CENTERS, SPREAD, LIMIT = 64, 300, 0.5, 20
MILLISECONDS, RECALL = 300.0, 0.95
NO_LIMIT = 1_000_000_000
_AT_ONCE = 20_000
_OBSERVATIONS = """
    insert into observations (id, classification_id, classification_project_id, resource_id, linked_collection_id,
      classification_type, is_current, observation_level, observation_type, bbox_x, bbox_y, bbox_width, bbox_height,
      first_frame_index, carried_over, deployment_id)
    select id, :classification, :project, :resource, :link, 'ai', true, 'object', 'animal', 0, 0, 1, 1, 0, false,
      (cast(:deployments as uuid[]))[n % 100 + 1]
    from unnest(cast(:ids as uuid[])) with ordinality as given (id, n)"""
_CLASSIFICATION = """
    insert into classifications (id, type, classification_project_id, resource_id, linked_collection_id,
      static_attributes, is_approved, created_at, updated_at)
    values (:id, 'final', :project, :resource, :link, '{}', false, now(), now())"""


async def fill(work: ExpertWork, made: Scene, algorithm_id: UUID, objects: int) -> tuple[list[UUID], list[UUID]]:
    """Objects with features; their ids, and the deployments, each of one object in a hundred."""
    deployments, classification_id = [uuid7() for _ in range(100)], uuid7()
    of = {"project": made.project_id, "resource": made.resource_ids[0], "link": made.linked_collection_id}
    async with work.db() as db:
        for deployment_id in deployments:
            row = Deployment(
                id=deployment_id, research_project_id=made.research_project_id, deployment_id=str(deployment_id)
            )
            db.add(row)
        assert await ensure_partition(db, algorithm_id, DIMENSION) is None
    await made.sql(_CLASSIFICATION, id=classification_id, **of)
    random = np.random.default_rng(1)
    centers = random.normal(size=(CENTERS, DIMENSION))
    ids = [uuid7() for _ in range(objects)]
    for start in range(0, objects, _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        await made.sql(_OBSERVATIONS, ids=part, classification=classification_id, deployments=deployments, **of)
        chosen = centers[random.integers(CENTERS, size=len(part))]
        features = (chosen + SPREAD * random.normal(size=chosen.shape)).astype(np.float16)
        async with work.db() as db:
            await copy_embeddings(db, algorithm_id, part, features)
    await made.sql("analyze")
    return ids, deployments


async def search(
    work: ExpertWork, caller: Caller, source: UUID, filters: SimilarFilters, exact_below: int
) -> tuple[Similar, float]:
    """One search, and its milliseconds."""
    began = time.perf_counter()
    async with work.db() as db:
        found = await find_similar(db, caller, source, filters, limit=LIMIT, exact_below=exact_below)
    return found, (time.perf_counter() - began) * 1000


async def measure(objects: int, times: int) -> list[Row]:
    """Searches by the index and by comparing all, with and without a filter of 1 %."""
    async with opened() as work:
        made = await scene(work, resources=1)
        ((algorithm_id,),) = await made.sql(
            "select algorithm_id from ai_providers where id = :id", id=made.classifier_id
        )
        ids, deployments = await fill(work, made, algorithm_id, objects)
        caller = Caller(made.user_ids["owner"], "owner@example.org", False)
        below = tuple(deployments[: max(1, 100 * EXACT_BELOW // objects)])
        exact, by_index, filtered, recalls, short = [], [], [], [], 0
        for source in np.random.default_rng(2).choice(objects, size=times, replace=False):
            whole, _ = await search(work, caller, ids[source], SimilarFilters(), NO_LIMIT)
            _, seconds = await search(work, caller, ids[source], SimilarFilters(deployment_id=below), NO_LIMIT)
            exact.append(seconds)
            nearest = {near.observation.id for near in whole.items}
            part, seconds = await search(work, caller, ids[source], SimilarFilters(), 1)
            by_index.append(seconds)
            recalls.append(len(nearest & {near.observation.id for near in part.items}) / max(1, len(nearest)))
            narrow = SimilarFilters(deployment_id=(deployments[0],))
            few, seconds = await search(work, caller, ids[source], narrow, 1)
            filtered.append(seconds)
            short += len(few.items) < min(LIMIT, objects // 100 - 1)
    assert not short, f"{short} of {times} searches under a filter of 1 % did not fill their limit"
    also = {"objects": objects, "dimension": DIMENSION, "limit": LIMIT}
    limit = "the limit"

    def latency(name: str, values: list[float]) -> Row:
        return Row(name, "ms", quantile(values, 0.95), MILLISECONDS, limit, 1, at_most=True, also=also)

    return [
        Row("recall of the index", "", float(np.mean(recalls)), 1, "every object compared", RECALL, also=also),
        latency("by the index, p95", by_index),
        latency("by the index under a filter of 1 %, p95", filtered),
        latency(f"every one of {min(objects, EXACT_BELOW):,} compared, p95", exact),
    ]


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
