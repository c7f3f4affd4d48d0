"""The statistics of a project of a million resources and three million observations, read from the sums alone.

The real route over the real tables, in one process with its PostgreSQL on the same machine. Rows are written without
triggers, as if by an import, and counted by the real fold. The second row reads while as many changes wait to be
folded as a reader counts itself.
"""

import asyncio
import sys
import time

from sqlalchemy import text

from benchmarks.bench_sequences import DEPLOYMENTS, fill, opened
from benchmarks.report import Options, Row, Size, parse_options, quantile, report
from expert.deployments.models import Deployment
from expert.statistics.fold import fold_counts
from tests.support.make.expert_ai import Scene, scene
from trapper_schemas.ids import uuid7

NAME = "statistics"
SIZES = {Size.FULL: (1_000_000, 50), Size.QUICK: (100_000, 20), Size.TINY: (600, 3)}
"""Resources, and how often the statistics are read."""
MILLISECONDS, OBSERVATIONS, WAITING = 300.0, 3, 1_000
_AT_ONCE = 50_000
_RESOURCES = "select id from resources order by id offset :begin limit :count"
_ROWS = """
    with given as materialized (
      select id as resource_id, deployment_id, captured_at, gen_random_uuid() as final_id, gen_random_uuid() as ai_id
      from resources where id = any(cast(:ids as uuid[]))),
    finals as (
      insert into classifications (id, type, classification_project_id, resource_id, linked_collection_id,
        static_attributes, created_at, updated_at, is_approved)
      select final_id, 'final', :project, resource_id, :link, '{}', now(), now(), false from given),
    ais as (
      insert into classifications (id, type, classification_project_id, resource_id, linked_collection_id,
        final_classification_id, static_attributes, created_at, updated_at, import_operation_id, content_hash)
      select ai_id, 'ai', :project, resource_id, :link, final_id, '{}', now(), now(), :operation, 'hash' from given)
    insert into observations (id, classification_id, classification_project_id, resource_id, linked_collection_id,
      classification_type, is_current, deployment_id, captured_at, observation_level, observation_type, taxon_id,
      bbox_x, bbox_y, bbox_width, bbox_height, first_frame_index, carried_over)
    select gen_random_uuid(), ai_id, :project, resource_id, :link, 'ai', true, deployment_id, captured_at, 'object',
      'animal', (cast(:taxa as uuid[]))[1 + (n + ascii(resource_id::text)) % cast(:kinds as int)], 0, 0, 1, 1, 0, false
    from given, generate_series(1, cast(:observations as int)) n"""
_WAIT = """
    insert into count_changes (classification_project_id, resource_id)
    select cast(:project as uuid), id from resources order by id limit :count"""
_SCANS = "select seq_scan + coalesce(idx_scan, 0) from pg_stat_user_tables where relname = 'observations'"


async def observe(made: Scene, resources: int) -> None:
    """Gives every resource an AI row with observations, and notes that it is to be counted."""
    values = {"project": made.project_id, "link": made.linked_collection_id, "operation": uuid7()}
    values |= {"taxa": list(made.taxa.values()), "kinds": len(made.taxa), "observations": OBSERVATIONS}
    for begin in range(0, resources, _AT_ONCE):
        ids = [row[0] for row in await made.sql(_RESOURCES, begin=begin, count=_AT_ONCE)]
        async with made.work.db() as db:
            await db.execute(text("set local session_replication_role = replica"))
            await db.execute(text(_ROWS), {"ids": ids, **values})


async def read(made: Scene, times: int) -> list[float]:
    """The milliseconds of each read."""
    took: list[float] = []
    async with made.as_("owner") as client:
        for _ in range(times):
            began = time.perf_counter()
            reply = await client.get(f"/api/classification-projects/{made.project_id}/statistics/")
            took.append((time.perf_counter() - began) * 1000)
            totals = reply.raise_for_status().json()["totals"]
            assert totals["observations"] == OBSERVATIONS * totals["resources"], totals
    return took


async def scans(made: Scene) -> int:
    """How often observations were read so far; sessions tell it once a second."""
    await asyncio.sleep(1.1)
    await made.sql("select pg_stat_force_next_flush()")
    await asyncio.sleep(0.1)
    ((count,),) = await made.sql(_SCANS)
    return count


async def measure(resources: int, times: int) -> list[Row]:
    """Reads while every change is folded, and while some wait."""
    async with opened() as work:
        made = await scene(work, resources=0)
        deployments = [uuid7() for _ in range(DEPLOYMENTS)]
        async with work.db() as db:
            for number in deployments:
                row = Deployment(id=number, research_project_id=made.research_project_id, deployment_id=str(number))
                db.add(row)
        await fill(made, 0, resources - 1, deployments, visit=resources // DEPLOYMENTS)
        await observe(made, resources)
        await made.sql("analyze")
        began = time.perf_counter()
        await fold_counts(work)
        folded = time.perf_counter() - began
        await made.sql("analyze")
        before = await scans(made)
        await read(made, 1)  # the application is made, connections are opened
        settled = await read(made, times)
        assert await scans(made) == before, "statistics read observations"
        await made.sql(_WAIT, project=made.project_id, count=WAITING)
        waiting = await read(made, times)
    also = {"median_ms": round(quantile(settled, 0.5), 1), "folded_per_second": round(resources / folded)}
    return [
        Row(
            f"statistics of {resources:,}, p95",
            "ms",
            quantile(settled, 0.95),
            MILLISECONDS,
            "the limit",
            1,
            at_most=True,
            also=also,
        ),
        Row(
            f"while {WAITING:,} changes wait, p95",
            "ms",
            quantile(waiting, 0.95),
            MILLISECONDS,
            "the limit",
            1,
            at_most=True,
        ),
    ]


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
