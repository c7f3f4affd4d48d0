"""Writes the rows of one checked batch in one transaction."""

from datetime import datetime
from uuid import UUID

from expert.classifications.record import Provenance, record_ai
from expert.jobs import queries_scope
from expert.jobs.queries_outcomes import foreign_resources, set_outcomes
from expert.jobs.state import CLOSED, FIRST_CONFIG
from expert.outputs.errors import DimensionDiffers
from expert.outputs.write_embeddings import write_embeddings
from expert.results import queries
from expert.results.parse import ParseSettings, parse_batch
from expert.results.read_blob import CheckedBatch
from expert.results.state import ReceivedState
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.check_results import BatchRefused
from trapper_schemas.v1.results import digest_of


async def write_batch(
    db: Session, received_batch_id: UUID, checked: CheckedBatch, settings: ParseSettings, *, now: datetime
) -> bool:
    """Write all rows of one batch in the caller's transaction; return False when there is nothing left to do."""
    batch = await queries.get(db, received_batch_id, lock=True)
    if batch is None or batch.state is not ReceivedState.KEPT:
        return batch is not None and batch.state is ReceivedState.APPLIED
    job = await queries.hold_job(db, batch.job_id)
    if job.stage in CLOSED:
        await queries.mark_refused(db, batch.id, reason=f"late: the job is {job.stage.value}")
        return False
    ids = [resource.resource_id for resource in checked.resources]
    foreign = await foreign_resources(db, job.id, ids, received_batch_id=batch.id)
    if foreign or len(set(ids)) != len(ids):
        raise BatchRefused(
            "resources",
            f"the results name {foreign or 'a resource twice'}; each resource of the batch occurs once, and no other",
        )
    resources = await queries.resource_facts(db, ids)
    hashes = [resources[resource_id].stored_sha256 for resource_id in ids]
    read = [resource.failure is None for resource in checked.resources]
    if batch.times_applied == 0 and checked.media_digest != digest_of(hashes, read):
        raise BatchRefused("media", "the files that were read are not those of these resources")
    parsed = parse_batch(
        checked.resources, settings, {key: (row.deployment_id, row.captured_at) for key, row in resources.items()}
    )
    provenance = Provenance(
        classification_project_id=job.classification_project_id,
        linked_collection_id=job.linked_collection_id,
        provider_id=job.detection_provider_id,
        job_id=job.id,
        job_config_version=job.job_config_version,
        received_batch_id=batch.id,
        logits_algorithm_id=checked.logits_algorithm_id,
        features_algorithm_id=checked.features_algorithm_id,
        match_iou=settings.config.match_iou,
        only_own=job.job_config_version > FIRST_CONFIG,
    )
    recorded = await record_ai(db, parsed.seen, provenance, now=now)
    await _store_features(db, batch.id, checked, settings)
    await set_outcomes(db, job.id, parsed.outcomes, received_batch_id=batch.id)
    await queries_scope.mark_ended(db, job.linked_collection_id, ids, now=now)
    await queries.mark_applied(
        db,
        batch.id,
        now=now,
        superseded=recorded.superseded,
        logits_algorithm_id=checked.logits_algorithm_id,
        features_algorithm_id=checked.features_algorithm_id,
        **parsed.counts(),
    )
    log("batch.applied", job=job.id, batch=batch.batch_id, resources=len(ids), superseded=recorded.superseded)
    return True


async def _store_features(db: Session, received_batch_id: UUID, checked: CheckedBatch, settings: ParseSettings) -> None:
    """Write the embeddings of the batch where its job asks for them."""
    algorithm_id = settings.config.embedding_algorithm_id
    if algorithm_id is None or checked.features is None or checked.features_algorithm_id != algorithm_id:
        return
    try:
        await write_embeddings(db, received_batch_id, algorithm_id, checked.features)
    except DimensionDiffers as problem:  # of a model that was published anew meanwhile; the blob keeps them
        log("embeddings.refused", batch=received_batch_id, algorithm=algorithm_id, problem=problem.detail)
