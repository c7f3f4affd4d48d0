"""Freeze what a job is asked to do: the project's settings with the job's own overrides, down to the weights."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from expert.classification_projects.models import ClassificationProject
from expert.jobs import queries
from expert.jobs.errors import NoDetectionProvider
from expert.jobs.queries import Chosen
from expert.jobs.state import TYPICAL_CLASSIFICATION, TYPICAL_DETECTION, Frozen, Overrides, models_key
from trapper_kit.db import Session
from trapper_kit.problems import Invalid
from trapper_schemas.v1.models import ModelKind

_MAY_BE = {
    ModelKind.DETECTION: {ModelKind.DETECTION},
    ModelKind.CLASSIFICATION: {ModelKind.CLASSIFICATION},
    ModelKind.EMBEDDING: {ModelKind.EMBEDDING, ModelKind.CLASSIFICATION},
}
"""Which types of provider can do what."""


async def freeze_config(db: Session, project: ClassificationProject, overrides: Overrides) -> Frozen:
    """The snapshot; raises NoDetectionProvider or Invalid when the project cannot be asked like this."""
    given = overrides.model_dump(mode="json", exclude_unset=True)
    chosen = await _choose(db, project, overrides)
    detection = chosen[0].provider
    if any(one.provider.connection_id != detection.connection_id for one in chosen):
        raise Invalid("the models of one job run behind one Manager; choose providers of the same connection")
    detection_threshold = _first(
        overrides.detection_threshold, project.detection_threshold, detection.threshold_typical, TYPICAL_DETECTION
    )
    species = next((one.provider for one in chosen if one.kind is ModelKind.CLASSIFICATION), None)
    classification_threshold = _first(
        overrides.classification_threshold,
        project.classification_threshold,
        species and species.threshold_typical,
        TYPICAL_CLASSIFICATION,
    )
    thresholds = {ModelKind.DETECTION: detection_threshold, ModelKind.CLASSIFICATION: classification_threshold}
    nms_iou = _first(overrides.nms_iou, project.nms_iou)
    stages = [_stage(one, thresholds, nms_iou, overrides) for one in chosen]
    config = {
        "stages": stages,
        "detection_threshold": detection_threshold,
        "classification_threshold": classification_threshold,
        "nms_iou": nms_iou,
        "match_iou": project.match_iou,
        "overrides": given,
    }
    return Frozen(config, models_key(stages), detection.connection_id, detection.id)


async def _choose(db: Session, project: ClassificationProject, overrides: Overrides) -> list[Chosen]:
    said = overrides.model_fields_set
    wanted: list[tuple[ModelKind, UUID | None]] = [
        (
            ModelKind.DETECTION,
            overrides.detection_provider_id
            if "detection_provider_id" in said
            else project.object_detection_ai_model_id,
        ),
        (
            ModelKind.CLASSIFICATION,
            overrides.species_provider_id if "species_provider_id" in said else project.species_ai_model_id,
        ),
        (ModelKind.EMBEDDING, project.embedding_ai_model_id),
    ]
    if wanted[2][1] == wanted[1][1]:
        wanted.pop()  # the classifier gives the features in the same pass
    if wanted[0][1] is None:
        raise NoDetectionProvider
    found = await queries.providers(db, [one for _, one in wanted if one is not None])
    chosen: list[Chosen] = []
    for kind, provider_id in wanted:
        if provider_id is None:
            continue
        one = found.get(provider_id)
        if one is None or one.provider.provider_type not in _MAY_BE[kind]:
            raise Invalid(f"there is no active {kind.value} provider {provider_id}")
        name = one.provider.name
        if one.provider.is_unpinned and not overrides.allow_unpinned:
            raise Invalid(f"no operator confirmed which weights {name} has; run `trapper models pin {name}`")
        chosen.append(replace(one, kind=kind))
    return chosen


def _stage(one: Chosen, thresholds: dict[ModelKind, float], nms_iou: float, overrides: Overrides) -> dict[str, Any]:
    provider = one.provider
    return {
        "kind": one.kind.value,
        "provider_id": str(provider.id),
        "algorithm_id": str(provider.algorithm_id),
        "category_map_id": one.category_map_id and str(one.category_map_id),
        "labels": one.labels,
        "model": {
            "name": provider.name,
            "version": provider.version,
            "sha256": provider.sha256,
            "unpinned": provider.is_unpinned,
        },
        "threshold": thresholds.get(one.kind),
        "nms_iou": nms_iou if one.kind is ModelKind.DETECTION else None,
        "top_k": overrides.top_k,
        "logits": overrides.logits,
    }


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
