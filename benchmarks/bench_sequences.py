"""Sequences of a linked collection: built from nothing, and kept when one more resource comes.

The real statements and the real operation, in one process on a durable PostgreSQL. Deployments come one after the
other, as they are uploaded, with bursts of three within the interval, and an hour between bursts.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from alembic import command

from benchmarks.report import Options, Row, Size, parse_options, quantile, report
from expert.deployments.models import Deployment
from expert.deps import ExpertWork
from expert.operations.run import run_operation
from expert.sequences.build import start_build
from expert.sequences.extend import extend_link
from migrations.run import config
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_schemas.ids import uuid7

NAME = "sequences"
REBUILD_SECONDS, ONE_MORE_MILLISECONDS = 60.0, 10.0
SIZES = {Size.FULL: (1_000_000, 200), Size.QUICK: (100_000, 50), Size.TINY: (600, 5)}
"""Resources, and how often one more comes."""
DEPLOYMENTS = 100
_PER_STATEMENT = 50_000
_RESOURCES = """
    with made as (insert into resources (id, version, research_project_id, deployment_id, file_name, file_path,
      folder_print, kind, media_type, size_bytes, sha256, stored_sha256, generation, object_key, captured_at,
      time_override, time_source, offset_source, outside_deployment, state, described_at, describe_attempts, is_damaged,
      privacy_state, visibility, is_active, archived_with_deployment)
    select uuidv7(), 1, cast(:project as uuid),
      (cast(:deployments as uuid[]))[n / cast(:visit as int) % cast(:count as int) + 1], 'a.jpg', 'a.jpg', 'folder',
      'image', 'image/jpeg', 1, 'sha' || n, 'sha' || n, 0, 'key' || n, at, at, 'none', 'none', false, 'described',
      now(), 0, false, 'open', 'private', true, false
    from generate_series(cast(:first as int), cast(:last as int)) as n,
      lateral (select n % cast(:visit as int)
        + n / (cast(:visit as int) * cast(:count as int)) * cast(:visit as int) as k) p,
      lateral (select timestamptz '2020-01-01' + k / 3 * interval '1 hour' + k % 3 * interval '1 minute' as at) t
    order by n returning id)
    insert into linked_collection_resources (linked_collection_id, resource_id)
    select cast(:link as uuid), id from made"""


@asynccontextmanager
async def opened() -> AsyncGenerator[ExpertWork, None]:
    """The Expert on a database that is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="trapper-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "pg") as server,
    ):
        server.create_database("expert")
        await asyncio.to_thread(command.upgrade, config("expert", server.url("expert")), "head")
        async with expert(server.url("expert"), Path(folder), statement_timeout_seconds=600) as work:
            yield work


async def fill(made: Scene, first: int, last: int, deployments: list[UUID], *, visit: int = 1) -> None:
    """Described resources in the linked collection, so many of a deployment before those of the next one."""
    values = {
        "visit": visit,
        "project": made.research_project_id,
        "link": made.linked_collection_id,
        "deployments": deployments,
        "count": len(deployments),
    }
    for begin in range(first, last + 1, _PER_STATEMENT):
        part = {"first": begin, "last": min(begin + _PER_STATEMENT - 1, last)}
        await made.sql(_RESOURCES, **values, **part)


async def measure(resources: int, times: int) -> list[Row]:
    """A rebuild of so many resources, and so many extensions by one."""
    async with opened() as work:
        made = await scene(work, resources=0)
        deployments = [uuid7() for _ in range(DEPLOYMENTS)]
        async with work.db() as db:
            for number in deployments:
                row = Deployment(id=number, research_project_id=made.research_project_id, deployment_id=str(number))
                db.add(row)
        visit = resources // DEPLOYMENTS
        await fill(made, 0, resources - 1, deployments, visit=visit)
        await made.sql("analyze")
        async with work.db() as db:
            operation = await start_build(db, made.linked_collection_id)
        assert operation is not None
        began = time.perf_counter()
        await run_operation(work, operation.id)
        rebuilt = time.perf_counter() - began
        ((sequences, members),) = await made.sql("select count(*), sum(resource_count) from sequences")
        assert members == resources, f"{members} of {resources} resources are in sequences"
        await made.sql("analyze")
        extended: list[float] = []
        for number in range(resources, resources + times):
            await fill(made, number, number, deployments, visit=visit)
            began = time.perf_counter()
            await extend_link(work, made.linked_collection_id)
            extended.append((time.perf_counter() - began) * 1000)
        ((members,),) = await made.sql("select sum(resource_count) from sequences")
        assert members == resources + times
    at_once = {"sequences": sequences, "resources": resources}
    return [
        Row(
            f"rebuild of {resources:,} resources",
            "s",
            rebuilt,
            REBUILD_SECONDS,
            "the limit",
            1,
            at_most=True,
            also=at_once,
        ),
        Row(
            "one more resource, median",
            "ms",
            quantile(extended, 0.5),
            ONE_MORE_MILLISECONDS,
            "the limit",
            1,
            at_most=True,
            also={"p95_ms": round(quantile(extended, 0.95), 2)},
        ),
    ]


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
