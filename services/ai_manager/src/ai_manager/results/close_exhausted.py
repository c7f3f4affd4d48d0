"""Writes the failures of exhausted batches as a blob like any other, so that their jobs can close."""

import hashlib
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.batches.models import Batch
from ai_manager.batches.pack import unpack
from ai_manager.batches.queries import Counts
from ai_manager.deps import Work
from ai_manager.results import queries
from ai_manager.results.inspect import failures_of
from ai_manager.results.keep import keep
from trapper_kit.db import enqueue_after_commit
from trapper_kit.logs import log
from trapper_schemas.column import Column
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.results import FAILED, BatchResults, FailureCode, digest_of, ids_column

LIMIT = 100
NOBODY = UUID(int=0)


async def close_exhausted(work: Work) -> list[UUID]:
    """Returns the jobs of which batches were exhausted, once each blob is stored."""
    async with work.db() as db:
        given_up = await batches.exhausted(db, LIMIT)
    jobs: set[UUID] = set()
    for batch in given_up:
        results = failed_results(batch)
        blob = results.to_blob()
        sha256 = hashlib.sha256(blob).hexdigest()
        in_row = await keep(work, sha256, blob)
        async with work.db() as db:
            counts = Counts(done=0, blank=0, failed=batch.size)
            if not await batches.give_up(db, batch.id, result_sha256=sha256, counts=counts):
                continue
            await queries.save(
                db,
                batch_id=batch.id,
                job_id=batch.job_id,
                sha256=sha256,
                size_bytes=len(blob),
                blob=in_row,
                exhausted=True,
                failures=failures_of(results),
            )
            enqueue_after_commit(db, "jobs.settle", job_id=batch.job_id)
            log("batch.exhausted", batch_id=batch.id, job_id=batch.job_id, reason=batch.last_error)
        jobs.add(batch.job_id)
    return sorted(jobs)


def failed_results(batch: Batch) -> BatchResults:
    """Returns results in which every resource failed with the last error."""
    killed = batch.crashes > 1
    code = FailureCode.KILLED_WORKER if killed else FailureCode.EXHAUSTED
    what = "every worker that looked at it died" if killed else f"given up after {batch.losses} losses"
    message = f"{what}; the last: {batch.last_error}"[:500]
    ids = ids_column([resource.id for resource in unpack(batch.resources)])
    count = ids.rows
    nothing, no_numbers = Column("<u4", (count,), memoryview(bytes(4 * count))), _empty("<u4")
    return BatchResults(
        batch_id=batch.id,
        attempt=batch.attempt,
        protocol=PROTOCOL,
        worker_id=batch.worker_id or NOBODY,
        stages=(),
        media_digest=digest_of((), ()),
        failure_codes=(code,),
        failure_messages=(message,),
        resource_ids=ids,
        state=Column("<u1", (count,), memoryview(bytes((FAILED,)) * count)),
        width=nothing,
        height=nothing,
        frames=nothing,
        failure_code=Column("<u1", (count,), memoryview(bytes(count))),
        failure_message=nothing,
        detections=nothing,
        frame_index=no_numbers,
        box=_empty("<u2", 4),
        label=_empty("<u2"),
        score=_empty("<u2"),
        classified=_empty("<u1"),
        top_label=_empty("<u2", 1),
        top_score=_empty("<u2", 1),
    )


def _empty(dtype: str, width: int | None = None) -> Column:
    return Column(dtype, (0,) if width is None else (0, width), memoryview(b""))
