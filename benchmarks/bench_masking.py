"""Class masking over kept logits, beside a bare loop over the same blobs that only computes log-sum-exps.

The real operation in one process, on a PostgreSQL on the same machine. Logits are drawn anew from a seed; the best
class of most rows is none of those that the list keeps.
"""

import asyncio
import ctypes
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_sequences import opened
from benchmarks.report import Options, Row, Size, parse_options, report
from expert.classification_projects.state import KeepLogits
from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.operations.models import Operation
from expert.operations.run import run_operation
from expert.operations.start import begin_operation
from expert.postprocessing.mask_classes import log_sum_exp
from expert.postprocessing.start_run import RunTarget, begin_run, dry_run, read_config
from expert.postprocessing.state import UNDO, MethodKey, RunScope
from tests.support.make.expert_ai import Scene, applied, scene, submitted
from tests.support.make.postprocessing import algorithm_of, taxa_list
from tests.support.make.results import column, results, seen
from trapper_kit.columns import to_array, to_column
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results

NAME = "masking"
PER_PICTURE, PICTURES_AT_ONCE = 2, 64
_LABELS = """
    insert into category_labels (category_map_id, index, label, observation_type, scientific_name, rank, taxon_keys)
    select :map, n, 'species ' || n, 'animal', 'Genus species' || n, 'species', '[]' from generate_series(0, :last) n"""
_TAXA = """
    with made as (
      insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names, parent_id)
      select gen_random_uuid(), 'Genus species' || n, 'Genus species' || n, 'species', '', '{}', :parent
      from generate_series(0, :last) n returning id, scientific_name)
    update category_labels l set taxon_id = made.id from made
    where l.category_map_id = :map and l.scientific_name = made.scientific_name"""
_PATHS = "update taxa set path = '/' || parent_id || '/' || id || '/' where path = '' and parent_id is not null"


async def fill(made: Scene, labels: int, kept: int) -> NDArray[np.intp]:
    """Logits of two animals in each picture; the indexes of the kept labels, whose taxa are below one of the list."""
    map_id, family, others = uuid7(), uuid7(), uuid7()
    for taxon_id, name in ((family, "Keptidae"), (others, "Otheridae")):
        await made.sql(
            "insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names)"
            " values (:id, :name, :name, 'family', :path, '{}')",
            id=taxon_id, name=name, path=f"/{taxon_id}/",
        )  # fmt: skip
    made.taxa["Keptidae"] = family
    await made.sql(
        "insert into category_maps (id, labels_print, size) values (:id, :print, :size)",
        id=map_id, print=str(map_id), size=labels,
    )  # fmt: skip
    await made.sql(_LABELS, map=map_id, last=labels - 1)
    await made.sql(_TAXA, map=map_id, last=labels - 1, parent=others)
    chosen = np.sort(np.random.default_rng(1).choice(labels, size=kept, replace=False))
    await made.sql(
        "update taxa t set parent_id = :family from category_labels l"
        " where l.taxon_id = t.id and l.category_map_id = :map and l.index = any(:chosen)",
        family=family, map=map_id, chosen=chosen.tolist(),
    )  # fmt: skip
    await made.sql(_PATHS)
    await made.sql(
        "update algorithms set category_map_id = :map where id = :id", map=map_id, id=UUID(await algorithm_of(made))
    )
    job_id = await submitted(made)
    random = np.random.default_rng(2)
    for start in range(0, len(made.resource_ids), PICTURES_AT_ONCE):
        await applied(made, job_id, _batch(made.resource_ids[start : start + PICTURES_AT_ONCE], labels, random))
    await made.sql("analyze")
    return chosen


def _batch(resource_ids: tuple[UUID, ...], labels: int, random: np.random.Generator) -> Any:
    count = len(resource_ids) * PER_PICTURE
    logits = random.normal(scale=3, size=(count, labels)).astype("<f2")
    best = logits.argmax(axis=1)
    logits[np.arange(count), best] += 8
    top = np.stack([best, (best + 1) % labels], axis=1)
    return results(
        batch_id=uuid7(),
        resource_ids=resource_ids,
        outcomes=[seen() for _ in resource_ids],
        resource_index=[index // PER_PICTURE for index in range(count)],
        classified_rows=range(count),
        frame_index=column("<u4", [0] * count),
        box=column("<u2", [6553, 13107, 19660, 26214] * count, 4),
        label=column("<u2", [0] * count),
        score=column("<u2", [58981] * count),
        top_label=column("<u2", top.ravel().tolist(), 2),
        top_score=column("<u2", [52428, 653] * count, 2),
        logits=to_column(logits),
    )


async def bare_loop(work: ExpertWork, made: Scene) -> float:
    """Seconds to decompress the same blobs and compute the log-sum-exp of each row in numpy."""
    blobs = [row[0] for row in await made.sql("select sha256 from received_batches order by id")]
    began = time.perf_counter()
    for sha256 in blobs:
        logits = read_results(await work.blobs.read(blob_key(sha256))).logits
        assert logits is not None
        values = to_array(logits)
        for start in range(0, len(values), 8):
            log_sum_exp(values[start : start + 8].astype(np.float64))
    return time.perf_counter() - began


def _status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def _rest() -> float:
    """MiB of this process once it gave back what it does not use; the highest use is counted from now on."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "utf-8")
    return _status("VmRSS")


async def timed(action: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
    """What an action gives, and its seconds."""
    began = time.perf_counter()
    result = await action()
    return result, time.perf_counter() - began


async def measure(rows: int, labels: int, kept: int) -> list[Row]:
    """A first run, one with nothing to do, a dry run over one occurrence, and undo."""
    async with opened() as work:
        made = await scene(
            work, resources=rows // PER_PICTURE, keep_logits=KeepLogits.ALWAYS, classification_threshold=0.2
        )
        await fill(made, labels, kept)
        config = read_config(
            MethodKey.CLASS_MASKING,
            {"algorithm_id": await algorithm_of(made), "taxa_list_id": await taxa_list(made, "Keptidae")},
        )
        whole = RunScope(linked_collection_id=made.linked_collection_id)

        async def masked() -> Operation:
            async with work.db() as db:
                target = RunTarget(made.project_id, MethodKey.CLASS_MASKING, whole, config)
                operation = await begin_run(db, target)
            await run_operation(work, operation.id)
            return operation

        async def undone(run_id: UUID) -> None:
            async with work.db() as db:
                operation = Operation(
                    kind=UNDO,
                    classification_project_id=made.project_id,
                    parameters={"run_ids": [str(run_id)]},
                    total=rows,
                )
                operation = await begin_operation(db, operation)
            await run_operation(work, operation.id)

        bare = await bare_loop(work, made)
        idle = _rest()
        first, seconds = await timed(masked)
        peak = _status("VmHWM") - idle
        ((changed,),) = await made.sql("select count(*) from predictions where applied_to_id is not null")
        assert changed > rows * 0.8, f"{changed} of {rows} changed"
        _, again = await timed(masked)
        ((occurrence_id,),) = await made.sql("select id from occurrences limit 1")
        narrow = RunTarget(made.project_id, MethodKey.CLASS_MASKING, RunScope(occurrence_id=occurrence_id), config)

        async def tried() -> None:
            async with work.db() as db:
                await dry_run(work, db, narrow)

        tries = sorted([(await timed(tried))[1] for _ in range(5)])
        _, undo = await timed(lambda: undone(first.id))
        assert await made.sql("select 1 from predictions where applied_to_id is not null") == []
    also = {"rows": rows, "labels": labels, "kept": kept, "changed": changed}
    return [
        Row(
            "masking, against the bare loop",
            "s",
            seconds,
            bare,
            "decompress and log-sum-exp",
            2.5,
            at_most=True,
            also=also,
        ),
        Row("masking", "s", seconds, 4, "the limit", 1, at_most=True, also=also),
        Row("peak memory above idle", "MiB", peak, 300, "the limit", 1, at_most=True, also=also),
        Row("a second run with nothing to do", "s", again, 1, "the limit", 1, at_most=True, also=also),
        Row("a dry run over one occurrence", "s", tries[2], 0.1, "the limit", 1, at_most=True, also=also),
        Row("undo", "s", undo, 2, "the limit", 1, at_most=True, also=also),
    ]


SIZES = {Size.FULL: (3_814, 29_176, 1_700), Size.QUICK: (1_000, 29_176, 1_700), Size.TINY: (8, 50, 5)}
"""Rows, labels, and labels that are kept."""


def main(options: Options) -> int:
    """The exit code."""
    return report(NAME, asyncio.run(measure(*SIZES[options.size])), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
