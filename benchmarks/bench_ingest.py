"""Ingest of batch results: rows a second, against a bare binary COPY of the same rows.

Batches of a hundred pictures with ten animals each, and logits of 2,497 labels and features for each animal. Ours is
all of it: the blob is read and checked, and classifications, occurrences, observations, predictions and embeddings are
written. The baseline writes the same rows into the same tables, with their indexes, constraints and triggers.
"""

import asyncio
import io
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.bench_sequences import opened
from benchmarks.report import Options, Row, Size, parse_options, report
from expert.algorithms.add_partition import ensure_partition
from expert.deps import ExpertWork
from expert.results.apply import apply_batch
from tests.support.make.expert_ai import SPECIES_LABELS, Scene, received, scene, submitted
from tests.support.make.results import column, results, seen
from trapper_kit.columns import to_column
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import Label
from trapper_schemas.v1.results import BatchResults

NAME = "ingest"
SIZES = {Size.FULL: 20, Size.QUICK: 5, Size.TINY: 1}
"""Batches."""
PICTURES, ANIMALS, LABELS, DIMENSION = 100, 10, 2497, 64
BAR = 0.4
TABLES = ("classifications", "occurrences", "observations", "predictions", "embeddings")
"""In the order in which their rows name each other."""
COLUMNS = """
    select column_name from information_schema.columns
    where table_name = :table and is_generated = 'NEVER' order by ordinal_position"""


def batch(resource_ids: Sequence[UUID], *, seed: int = 0) -> BatchResults:
    """Ten classified animals on each picture, next to each other."""
    count = len(resource_ids) * ANIMALS
    random = np.random.default_rng(seed)
    box = [side for row in range(count) for side in (6000 * (row % ANIMALS), 13107, 5000, 26214)]
    return results(
        batch_id=uuid7(),
        resource_ids=resource_ids,
        outcomes=[seen() for _ in resource_ids],
        resource_index=[row // ANIMALS for row in range(count)],
        classified_rows=range(count),
        frame_index=column("<u4", [0] * count),
        box=column("<u2", box, 4),
        label=column("<u2", [0] * count),
        score=column("<u2", [58981 - row % ANIMALS for row in range(count)]),
        top_label=column("<u2", [3, 1] * count, 2),
        top_score=column("<u2", [52428, 6553] * count, 2),
        logits=to_column(random.normal(size=(count, LABELS)).astype("<f2")),
        features=to_column(random.normal(size=(count, DIMENSION)).astype("<f2")),
    )


async def photographed(work: ExpertWork, pictures: int, *, embeds: bool = True) -> Scene:
    """Pictures of a project whose classifier has 2,497 labels and gives features, which are stored if it `embeds`."""
    more = [Label(label=f"species {number}") for number in range(len(SPECIES_LABELS), LABELS)]
    made = await scene(work, resources=pictures, species_labels=[*SPECIES_LABELS, *more])
    values = {"id": made.classifier_id}
    await made.sql("update ai_providers set embedding_dimension = :d where id = :id", d=DIMENSION, **values)
    if embeds:
        await made.sql("update classification_projects set embedding_ai_model_id = species_ai_model_id")
    ((algorithm_id,),) = await made.sql("select algorithm_id from ai_providers where id = :id", **values)
    async with work.db() as db:
        assert await ensure_partition(db, algorithm_id, DIMENSION) is None
    return made


async def copy_again(made: Scene) -> float:
    """The seconds in which COPY writes the rows that there are into emptied tables."""
    kept: list[tuple[str, list[str], io.BytesIO]] = []
    async with made.work.db() as db:
        driver: Any = (await (await db.connection()).get_raw_connection()).driver_connection
        for table in TABLES:
            columns = [name for (name,) in await made.sql(COLUMNS, table=table)]
            rows = io.BytesIO()
            query = f"select {', '.join(columns)} from {table}"  # noqa: S608 - names of a table and its columns
            await driver.copy_from_query(query, output=rows, format="binary")
            kept.append((table, columns, rows))
    await made.sql(f"truncate {', '.join(TABLES)} cascade")
    began = time.perf_counter()
    async with made.work.db() as db:
        driver = (await (await db.connection()).get_raw_connection()).driver_connection
        for table, columns, rows in kept:
            rows.seek(0)
            await driver.copy_to_table(table, columns=columns, source=rows, format="binary")
    return time.perf_counter() - began


async def count_rows(made: Scene) -> dict[str, int]:
    """The rows of each table."""
    return {table: (await made.sql(f"select count(*) from {table}"))[0][0] for table in TABLES}  # noqa: S608


async def measure(batches: int, *, embeds: bool) -> Row:
    """So many batches, one after the other."""
    async with opened() as work:
        made = await photographed(work, batches * PICTURES, embeds=embeds)
        job_id = await submitted(made)
        ids = made.resource_ids
        parts = [ids[start : start + PICTURES] for start in range(0, len(ids), PICTURES)]
        kept = [await received(made, job_id, batch(part, seed=number)) for number, part in enumerate(parts)]
        began = time.perf_counter()
        for received_id in kept:
            await apply_batch(work, received_id)
        seconds = time.perf_counter() - began
        rows = await count_rows(made)
        assert rows["occurrences"] == len(ids) * ANIMALS, rows
        assert rows["embeddings"] == (len(ids) * ANIMALS if embeds else 0), rows
        bare = await copy_again(made)
        assert await count_rows(made) == rows
    total = sum(rows.values())
    also = {"rows": rows, "pictures_per_second": round(len(ids) / seconds, 1)}
    name = "with embeddings" if embeds else "without embeddings"
    return Row(name, "rows/s", total / seconds, total / bare, "bare binary COPY", BAR, also=also)


def main(options: Options) -> int:
    """The exit code."""
    rows = [asyncio.run(measure(SIZES[options.size], embeds=embeds)) for embeds in (True, False)]
    return report(NAME, rows, options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
