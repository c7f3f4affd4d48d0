"""Writes the rows of one checked batch in one transaction."""

from datetime import datetime
from uuid import UUID

from expert.classifications.record import Provenance, Recorded, record_ai
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
    held = await queries.hold(db, received_batch_id)
    if held is None or held.state is not ReceivedState.KEPT:
        return held is not None and held.state is ReceivedState.APPLIED
    if held.stage in CLOSED:
        await queries.mark_refused(db, received_batch_id, reason=f"late: the job is {held.stage.value}")
        return False
    ids = [resource.resource_id for resource in checked.resources]
    resources = await queries.resource_facts(db, held.job_id, ids)
    free = {key for key, row in resources.items() if row.received_batch_id in (None, received_batch_id)}
    foreign = [resource_id for resource_id in ids if resource_id not in free]
    if foreign or len(set(ids)) != len(ids):
        raise BatchRefused(
            "resources",
            f"the results name {foreign or 'a resource twice'}; each resource of the batch occurs once, and no other",
        )
    hashes = [resources[resource_id].stored_sha256 or "" for resource_id in ids]
    read = [resource.failure is None for resource in checked.resources]
    if held.times_applied == 0 and checked.media_digest != digest_of(hashes, read):
        raise BatchRefused("media", "the files that were read are not those of these resources")
    parsed = parse_batch(
        checked.resources, settings, {key: (row.deployment_id, row.captured_at) for key, row in resources.items()}
    )
    provenance = Provenance(
        classification_project_id=held.classification_project_id,
        linked_collection_id=held.linked_collection_id,
        provider_id=held.provider_id,
        job_id=held.job_id,
        job_config_version=held.job_config_version,
        received_batch_id=received_batch_id,
        logits_algorithm_id=checked.logits_algorithm_id,
        features_algorithm_id=checked.features_algorithm_id,
        match_iou=settings.config.match_iou,
        only_own=held.job_config_version > FIRST_CONFIG,
    )
    recorded = await record_ai(db, parsed.seen, provenance, now=now)
    await _store_features(db, received_batch_id, checked, settings, recorded)
    await queries.mark_applied(
        db,
        received_batch_id,
        held,
        parsed.outcomes,
        now=now,
        superseded=recorded.superseded,
        logits_algorithm_id=checked.logits_algorithm_id,
        features_algorithm_id=checked.features_algorithm_id,
        **parsed.counts(),
    )
    log("batch.applied", job=held.job_id, batch=held.batch_id, resources=len(ids), superseded=recorded.superseded)
    return True


async def _store_features(
    db: Session, received_batch_id: UUID, checked: CheckedBatch, settings: ParseSettings, recorded: Recorded
) -> None:
    """Write the embeddings of the batch where its job asks for them."""
    algorithm_id = settings.config.embedding_algorithm_id
    if algorithm_id is None or checked.features is None or checked.features_algorithm_id != algorithm_id:
        return
    try:
        await write_embeddings(db, received_batch_id, algorithm_id, checked.features, known=recorded.outputs)
    except DimensionDiffers as problem:  # of a model that was published anew meanwhile; the blob keeps them
        log("embeddings.refused", batch=received_batch_id, algorithm=algorithm_id, problem=problem.detail)
