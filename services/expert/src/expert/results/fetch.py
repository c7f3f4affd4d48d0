"""Fetches closed batches: stores each blob under its hash, then its row."""

import hashlib
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.jobs.state import CLOSED
from expert.manager_client import ManagerClient
from expert.media_store import blob_key
from expert.providers.open_connection import open_connection
from expert.results import queries
from expert.results.errors import BlobDiffers
from expert.results.models import ReceivedBatch
from expert.results.state import ReceivedState
from trapper_kit.db import enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.codec import DEFAULT_LIMITS
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import ClosedBatch


async def fetch_results(work: ExpertWork, job_id: UUID) -> None:
    """Stores batches that wait to be applied; a failure does not stop the others."""
    async with work.db() as db:
        job = await jobs.get(db, job_id)
        if job is None or job.stage in CLOSED or job.manager_job_id is None:
            return
        connection = await jobs.connection_of(db, job)
    try:
        manager = open_connection(work, connection)
        closed = (await manager.closed_results(job.manager_job_id)).items
    except Problem as problem:
        log("results.not_listed", job=job_id, problem=problem.type, detail=problem.detail)
        return
    if not closed:  # the Manager has perhaps closed the job, after its last batch was acknowledged
        async with work.db() as db:
            enqueue_after_commit(db, "results.close", job_id=job_id)
    for batch in closed:
        try:
            await keep_batch(work, manager, job_id, batch)
        except Problem as problem:
            log("batch.not_fetched", job=job_id, batch=batch.batch_id, problem=problem.type, detail=problem.detail)


async def keep_batch(work: ExpertWork, manager: ManagerClient, job_id: UUID, closed: ClosedBatch) -> None:
    """Stores the row of a new batch; its blob is durable before."""
    async with work.db() as db:
        known = await queries.by_batch(db, job_id, closed.batch_id)
    if known is not None:
        return
    blob = await manager.blob(closed.batch_id, at_most=DEFAULT_LIMITS.compressed_bytes)
    sha256 = hashlib.sha256(blob).hexdigest()
    if sha256 != closed.sha256:
        raise BlobDiffers(f"batch {closed.batch_id} was announced as {closed.sha256} and came as {sha256}")
    await work.blobs.put(blob_key(sha256), blob)
    async with work.db() as db:
        row = ReceivedBatch(
            id=uuid7(),  # a default applies at a flush, and this row is inserted by a statement
            job_id=job_id,
            batch_id=closed.batch_id,
            sha256=sha256,
            size_bytes=len(blob),
            state=ReceivedState.KEPT,
            created_at=work.clock.now(),
        )
        received_id = await queries.note(db, row)
        enqueue_after_commit(db, "results.apply", received_batch_id=received_id)
    log("batch.received", job=job_id, batch=closed.batch_id, bytes=len(blob))
