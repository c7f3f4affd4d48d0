"""Apply a kept batch: check it as if the Manager had not, write its rows in one transaction, then acknowledge it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from expert.classifications.record import Provenance, SeenByAi, record_ai
from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.jobs import queries_scope
from expert.jobs.end import end_job
from expert.jobs.models import AiClassificationJob
from expert.jobs.queries_outcomes import Ended, foreign_resources, set_outcomes
from expert.jobs.state import CLOSED, FrozenJobConfig, JobStage, Outcome
from expert.media_store import blob_key
from expert.observations.state import ObservationType
from expert.providers.open_connection import open_connection
from expert.results import queries
from expert.results.interpret import Speaker, content_hash, observe
from expert.results.models import ReceivedBatch
from expert.results.read_blob import Looked, looked, read_checked
from expert.results.state import ReceivedState
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing
from trapper_kit.problems import Problem
from trapper_schemas.codec import BlobRefused
from trapper_schemas.v1.check_results import BatchRefused
from trapper_schemas.v1.models import ModelKind


@dataclass(frozen=True)
class Hearing:
    """How the blob of a job is understood."""

    detector: Speaker
    classifier: Speaker | None


async def apply_batch(work: ExpertWork, received_batch_id: UUID) -> None:
    """Once, however often it is called; a batch that is applied already is only acknowledged."""
    async with work.db() as db:
        batch = await queries.get(db, received_batch_id)
        if batch is None or batch.state is ReceivedState.REFUSED:
            return
        job = await jobs.get(db, batch.job_id)
        assert job is not None  # noqa: S101 - a foreign key holds it
        hearing = await _hearing(db, job) if batch.state is ReceivedState.KEPT else None
    if hearing is not None and not await _apply(work, batch, job, hearing):
        return
    if batch.acknowledged_at is None:
        await acknowledge(work, batch)
    elif hearing is not None:
        async with work.db() as db:
            enqueue_after_commit(db, "results.close", job_id=job.id)


async def _hearing(db: Session, job: AiClassificationJob) -> Hearing:
    config = job.job_config.model_copy(update=job.parse_overrides or {})
    speakers: dict[ModelKind, Speaker] = {}
    for stage in config.stages:
        if stage.category_map_id is not None:
            meanings = await queries.meanings(db, stage.category_map_id)
            speakers[stage.kind] = Speaker(stage.algorithm_id, meanings, config.threshold_of(stage.kind))
    return Hearing(speakers[ModelKind.DETECTION], speakers.get(ModelKind.CLASSIFICATION))


async def _apply(work: ExpertWork, batch: ReceivedBatch, job: AiClassificationJob, hearing: Hearing) -> bool:
    try:
        blob = await work.blobs.read(blob_key(batch.sha256))
        pictures = await asyncio.to_thread(_understand, blob, batch.batch_id, job.job_config, hearing)
        async with work.db() as db:
            return await write_batch(db, batch.id, pictures, hearing, now=work.clock.now())
    except (BlobRefused, BatchRefused) as problem:
        await _refuse(work, batch, f"{problem.reason}: {problem}")
    except ObjectMissing:
        await _refuse(work, batch, "missing: the kept blob is not in the store")
    return False


def _understand(blob: bytes, batch_id: UUID, config: FrozenJobConfig, hearing: Hearing) -> list[Looked]:
    return looked(read_checked(blob, batch_id, config), at_least=hearing.detector.threshold)


async def write_batch(
    db: Session, received_batch_id: UUID, pictures: Sequence[Looked], hearing: Hearing, *, now: datetime
) -> bool:
    """All rows of one batch in the caller's transaction; False when there is nothing to do any more."""
    batch = await queries.get(db, received_batch_id, lock=True)
    if batch is None or batch.state is not ReceivedState.KEPT:
        return batch is not None and batch.state is ReceivedState.APPLIED
    job = await queries.hold_job(db, batch.job_id)
    if job.stage in CLOSED:
        await queries.mark_refused(db, batch.id, reason=f"late: the job is {job.stage.value}")
        return False
    ids = [one.resource_id for one in pictures]
    foreign = await foreign_resources(db, job.id, ids, received_batch_id=batch.id)
    if foreign or len(set(ids)) != len(ids):
        raise BatchRefused("resources", f"{foreign or 'twice the same'}: resources that this batch cannot be about")
    places = await queries.whereabouts(db, ids)
    ended, seen = _sort(pictures, hearing, places)
    provenance = Provenance(
        classification_project_id=job.classification_project_id,
        linked_collection_id=job.linked_collection_id,
        provider_id=job.detection_provider_id,
        job_id=job.id,
        received_batch_id=batch.id,
        match_iou=job.job_config.match_iou,
    )
    await record_ai(db, seen, provenance, now=now)
    await set_outcomes(db, job.id, ended, received_batch_id=batch.id)
    await queries_scope.mark_ended(db, job.linked_collection_id, ids, now=now)
    await queries.mark_applied(db, batch.id, now=now, **_counts(ended))
    log("batch.applied", job=job.id, batch=batch.batch_id, resources=len(ids))
    return True


def _sort(
    pictures: Sequence[Looked], hearing: Hearing, places: Mapping[UUID, tuple[UUID | None, datetime | None]]
) -> tuple[list[Ended], list[SeenByAi]]:
    ended: list[Ended] = []
    seen: list[SeenByAi] = []
    for one in pictures:
        if one.failure is not None:
            code, message = one.failure.code.value, one.failure.message
            ended.append(Ended(one.resource_id, one.index, Outcome.FAILED, False, code, message))
            continue
        found = observe(one.boxes, hearing.detector, hearing.classifier, damaged=one.damaged)
        kinds = {observation.observation_type for observation in found}
        outcome = Outcome.BLANK if kinds == {ObservationType.BLANK} else Outcome.DONE
        ended.append(Ended(one.resource_id, one.index, outcome, ObservationType.ANIMAL in kinds, None, None))
        seen.append(SeenByAi(one.resource_id, one.index, found, content_hash(found), *places[one.resource_id]))
    return ended, seen


def _counts(ended: Sequence[Ended]) -> dict[str, int]:
    by_outcome = [one.outcome for one in ended]
    return {
        "total": len(ended),
        "done": by_outcome.count(Outcome.DONE),
        "blank": by_outcome.count(Outcome.BLANK),
        "failed": by_outcome.count(Outcome.FAILED),
        "with_animals": sum(one.has_animals for one in ended),
    }


async def _refuse(work: ExpertWork, batch: ReceivedBatch, reason: str) -> None:
    async with work.db() as db:
        if await queries.mark_refused(db, batch.id, reason=reason):
            why = f"the results of batch {batch.batch_id} are refused: {reason}"
            await end_job(db, batch.job_id, JobStage.FAILED, now=work.clock.now(), error=why)
            enqueue_after_commit(db, "jobs.withdraw", job_id=batch.job_id)


async def acknowledge(work: ExpertWork, batch: ReceivedBatch) -> None:
    """Tell the Manager, last of all; when it does not hear, the sweep tells it again."""
    async with work.db() as db:
        job = await jobs.get(db, batch.job_id)
        assert job is not None  # noqa: S101 - a foreign key holds it
        connection = await jobs.connection_of(db, job)
    try:
        await open_connection(work, connection).fetched(batch.batch_id)
    except Problem as problem:
        log("batch.not_acknowledged", batch=batch.batch_id, problem=problem.type, detail=problem.detail)
        return
    async with work.db() as db:
        await queries.mark_acknowledged(db, batch.id, now=work.clock.now())
        if not await queries.left_of(db, batch.job_id):
            enqueue_after_commit(db, "jobs.follow", job_id=batch.job_id)
