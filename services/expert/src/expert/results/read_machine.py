"""Reads what the models detected, also below every threshold, from the kept blobs, whole batches at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from expert.access.state import Caller
from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.media_store import blob_key
from expert.results import queries
from expert.results.queries import Meaning
from expert.results.queries_machine import MachineBatch, detection_provider, machine_batches
from expert.results.read_blob import Box, ParsedResource, parse_resources, read_checked
from trapper_kit.db import Session
from trapper_schemas.v1.models import ModelKind

Labels = Mapping[str, Sequence[Meaning]]
"""Labels by stage kind."""


@dataclass(frozen=True)
class MachinePage:
    """Some resources, in plain values, and the batch after which the next page begins."""

    items: list[dict[str, Any]]
    next_after: UUID | None


async def read_machine(
    work: ExpertWork,
    project_id: UUID,
    *,
    caller: Caller,
    provider_id: UUID | None,
    linked_collection_id: UUID | None = None,
    min_score: float,
    after: UUID | None,
    at_least: int,
) -> MachinePage:
    """One page; holds no connection while blobs are read."""
    async with work.db() as db:
        if provider_id is None:
            project = await jobs.project(db, project_id)
            own = project.object_detection_ai_model_id if project is not None else None
            provider_id = own or next(iter(await detection_provider(db, project_id)), None)
        if provider_id is None:
            return MachinePage([], None)
        batches, more = await machine_batches(
            db,
            project_id,
            provider_id,
            caller=caller,
            linked_collection_id=linked_collection_id,
            after=after,
            at_least=at_least,
        )
        labels = {batch.received_batch_id: await _labels(db, batch) for batch in batches}
    items: list[dict[str, Any]] = []
    for batch in batches:
        blob = await work.blobs.read(blob_key(batch.sha256))
        items += await asyncio.to_thread(_items, blob, batch, labels[batch.received_batch_id], min_score)
    return MachinePage(items, batches[-1].received_batch_id if more and batches else None)


async def _labels(db: Session, batch: MachineBatch) -> Labels:
    return {
        stage.kind.value: await queries.meanings(db, stage.category_map_id)
        for stage in batch.job_config.stages
        if stage.category_map_id is not None
    }


def _items(blob: bytes, batch: MachineBatch, labels: Labels, min_score: float) -> list[dict[str, Any]]:
    results = read_checked(blob, batch.batch_id, batch.job_config)
    models = {run.kind: run.model.model_dump(include={"name", "version", "sha256"}) for run in results.stages}
    by = {"detector": models.get(ModelKind.DETECTION), "classifier": models.get(ModelKind.CLASSIFICATION)}
    pictures = parse_resources(results, at_least=min_score)
    return [_picture(pictures[row], labels) | by for row in sorted(batch.rows)]


def _picture(picture: ParsedResource, labels: Labels) -> dict[str, Any]:
    failure = picture.failure
    item: dict[str, Any] = {"resource_id": picture.resource_id, "outcome": "seen", "detections": []}
    if failure is not None:
        return item | {"outcome": "failed", "code": failure.code.value, "message": failure.message}
    return item | {
        "width": picture.width,
        "height": picture.height,
        "damaged": picture.damaged,
        "detections": [_box(box, labels) for box in picture.boxes],
    }


def _box(box: Box, labels: Labels) -> dict[str, Any]:
    meaning = labels[ModelKind.DETECTION.value][box.label]
    species = labels.get(ModelKind.CLASSIFICATION.value, ())
    return {
        "label": meaning.label,
        "observation_type": meaning.observation_type,
        "score": box.score,
        "bbox": box.box,
        "classifications": [{"label": species[index].label, "score": score} for index, score in box.classified],
    }
