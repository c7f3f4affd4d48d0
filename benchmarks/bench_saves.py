"""Results of one picture each: how many a second sixteen savers write, and how long one takes in a large deployment.

Each picture has ten animals, and logits of 2,497 labels and features for each animal. One process on a PostgreSQL on
the same machine; a save reads and checks the blob and writes all rows, embeddings too.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from uuid import UUID

from benchmarks.bench_ingest import batch, photographed
from benchmarks.bench_sequences import fill, opened
from benchmarks.report import Options, Row, Size, parse_options, quantile, report
from expert.deployments.models import Deployment
from expert.results.apply import apply_batch
from tests.support.make.expert_ai import received, submitted
from trapper_schemas.ids import uuid7

NAME = "saves"
SIZES = {Size.FULL: (800, 100, 100_000), Size.QUICK: (160, 50, 20_000), Size.TINY: (48, 4, 1_100)}
"""Pictures of the sixteen savers, pictures saved one after the other, and the larger deployment."""
SAVERS, SMALL = 16, 1_000
PICTURES_A_SECOND, P95_MILLISECONDS, GROWTH = 100.0, 30.0, 1.2


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
    return [
        Row(f"{SAVERS} savers", "pictures/s", per_second, PICTURES_A_SECOND, "the limit", 1),
        Row("one picture, p95", "ms", few, P95_MILLISECONDS, "the limit", 1, at_most=True),
        Row(f"one picture of {large:,}, p95", "ms", grown, few, f"of {SMALL:,}", GROWTH, at_most=True),
    ]


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
