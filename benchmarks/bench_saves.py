"""Results of one picture each: how many a second sixteen savers write, and how long one takes in a large deployment.

Each picture has ten animals, and logits of 2,497 labels and features for each animal. One process on a PostgreSQL on
the same machine; a save reads and checks the blob and writes all rows, embeddings too. At the end the rows of the
sixteen savers are written again by a bare binary COPY for each table and picture, which tells what the database alone
allows on this machine.
"""

import asyncio
import io
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from benchmarks.bench_ingest import COLUMNS, TABLES, batch, photographed
from benchmarks.bench_sequences import fill, opened
from benchmarks.report import Options, Row, Size, parse_options, quantile, report
from expert.deployments.models import Deployment
from expert.results.apply import apply_batch
from tests.support.make.expert_ai import Scene, received, submitted
from trapper_schemas.ids import uuid7

NAME = "saves"
SIZES = {Size.FULL: (800, 100, 100_000), Size.QUICK: (160, 50, 20_000), Size.TINY: (48, 4, 1_100)}
"""Pictures of the sixteen savers, pictures saved one after the other, and the larger deployment."""
SAVERS, SMALL = 16, 1_000
PICTURES_A_SECOND, P95_MILLISECONDS, GROWTH = 100.0, 30.0, 1.2


_OF = {
    "classifications": "select {columns} from classifications where resource_id = '{id}' order by type desc",
    "occurrences": "select {columns} from occurrences where id in"
    " (select id from observations where resource_id = '{id}')",
    "observations": "select {columns} from observations where resource_id = '{id}'",
    "predictions": "select {columns} from predictions where observation_id in"
    " (select id from observations where resource_id = '{id}')",
    "embeddings": "select {columns} from embeddings where observation_id in"
    " (select id from observations where resource_id = '{id}')",
}
"""The rows of a picture in each table; a final classification comes before the others, which name it."""


async def copy_again(made: Scene, resource_ids: Sequence[UUID]) -> float:
    """How many pictures a second as many savers write by COPY alone, a transaction for each, into emptied tables."""
    columns = {table: [name for (name,) in await made.sql(COLUMNS, table=table)] for table in TABLES}
    kept: list[dict[str, bytes]] = []
    async with made.work.db() as db:
        driver: Any = (await (await db.connection()).get_raw_connection()).driver_connection
        for resource_id in resource_ids:
            parts: dict[str, bytes] = {}
            for table in TABLES:
                rows = io.BytesIO()
                query = _OF[table].format(columns=", ".join(columns[table]), id=resource_id)
                await driver.copy_from_query(query, output=rows, format="binary")
                parts[table] = rows.getvalue()
            kept.append(parts)
    await made.sql(f"truncate {', '.join(TABLES)} cascade")

    async def write(pictures: Sequence[dict[str, bytes]]) -> None:
        for parts in pictures:
            async with made.work.db() as db:
                driver: Any = (await (await db.connection()).get_raw_connection()).driver_connection
                await db.execute(text("select 1"))  # begins the transaction
                for table, rows in parts.items():
                    source = io.BytesIO(rows)
                    await driver.copy_to_table(table, columns=columns[table], source=source, format="binary")

    began = time.perf_counter()
    await asyncio.gather(*(write(kept[saver::SAVERS]) for saver in range(SAVERS)))
    return len(kept) / (time.perf_counter() - began)


async def measure(many: int, single: int, large: int) -> list[Row]:
    """Saves in a deployment of a thousand pictures, then in one of many."""
    async with opened() as work:
        made = await photographed(work, many + 2 * single)
        deployment_id = uuid7()
        async with work.db() as db:
            row = Deployment(id=deployment_id, research_project_id=made.research_project_id, deployment_id="A1")
            db.add(row)
        await made.sql("update resources set deployment_id = :id", id=deployment_id)
        job_id = await submitted(made)
        kept = [
            await received(made, job_id, batch([resource_id], seed=number))
            for number, resource_id in enumerate(made.resource_ids)
        ]
        await made.sql("update received_batches set acknowledged_at = now()")  # no Manager is told here

        async def save(received_ids: Sequence[UUID]) -> list[float]:
            """The milliseconds of each save."""
            took: list[float] = []
            for received_id in received_ids:
                began = time.perf_counter()
                await apply_batch(work, received_id)
                took.append((time.perf_counter() - began) * 1000)
            return took

        await fill(made, 1, SMALL, [deployment_id])
        await made.sql("analyze")
        await save(kept[:SAVERS])  # connections are opened, statements are planned
        began = time.perf_counter()
        await asyncio.gather(*(save(kept[SAVERS + saver : many : SAVERS]) for saver in range(SAVERS)))
        per_second = (many - SAVERS) / (time.perf_counter() - began)
        few = quantile(await save(kept[many : many + single]), 0.95)
        await fill(made, SMALL + 1, large, [deployment_id])
        await made.sql("analyze")
        grown = quantile(await save(kept[many + single :]), 0.95)
        ((saved,),) = await made.sql("select count(*) from received_batches where state = 'applied'")
        assert saved == many + 2 * single, f"{saved} of {many + 2 * single} pictures were saved"
        bare = await copy_again(made, made.resource_ids[SAVERS:many])
    also = {"bare_copy_per_second": round(bare, 1), "of_bare_copy": round(per_second / bare, 2)}
    return [
        Row(f"{SAVERS} savers", "pictures/s", per_second, PICTURES_A_SECOND, "the limit", 1, also=also),
        Row("one picture, p95", "ms", few, P95_MILLISECONDS, "the limit", 1, at_most=True),
        Row(f"one picture of {large:,}, p95", "ms", grown, few, f"of {SMALL:,}", GROWTH, at_most=True),
    ]


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
