"""Freezes a job's configuration: the project's settings with the job's own overrides, down to the weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from expert.classification_projects.models import ClassificationProject
from expert.classification_projects.state import KeepLogits, keeps_logits
from expert.jobs import queries
from expert.jobs.errors import NoDetectionProvider
from expert.jobs.queries import Chosen
from expert.jobs.state import TYPICAL_CLASSIFICATION, TYPICAL_DETECTION, FrozenJobConfig, Overrides, ProviderStage
from trapper_kit.db import Session
from trapper_kit.problems import Invalid
from trapper_schemas.problem import FieldError
from trapper_schemas.v1.models import ModelKind, ModelRef

_SETTINGS = {
    ModelKind.DETECTION: ("object_detection_ai_model", {ModelKind.DETECTION}),
    ModelKind.CLASSIFICATION: ("species_ai_model", {ModelKind.CLASSIFICATION}),
    ModelKind.EMBEDDING: ("embedding_ai_model", {ModelKind.EMBEDDING, ModelKind.CLASSIFICATION}),
}
"""The setting that names the provider of each stage, and the types of provider that fit it."""


class _Settings(BaseModel):
    """A project's AI settings with a job's overrides applied."""

    object_detection_ai_model: UUID | None
    species_ai_model: UUID | None
    embedding_ai_model: UUID | None
    detection_threshold: float | None
    classification_threshold: float | None
    nms_iou: float
    match_iou: float
    keep_logits: KeepLogits


@dataclass(frozen=True)
class Frozen:
    """A configuration with the connection whose Manager it is sent to."""

    config: FrozenJobConfig
    connection_id: UUID


async def freeze_config(db: Session, project: ClassificationProject, overrides: Overrides) -> Frozen:
    """Freeze the configuration; raises NoDetectionProvider, or Invalid naming the setting that does not fit."""
    settings = _settings(project, overrides)
    chosen = await _choose(db, settings, overrides)
    detection = chosen[0].provider
    if any(choice.provider.connection_id != detection.connection_id for choice in chosen):
        raise Invalid("the models of one job run behind one Manager; choose providers of the same connection")
    species = next((choice.provider for choice in chosen if choice.kind is ModelKind.CLASSIFICATION), None)
    thresholds = {
        ModelKind.DETECTION: _first(settings.detection_threshold, detection.threshold_typical, TYPICAL_DETECTION),
        ModelKind.CLASSIFICATION: _first(
            settings.classification_threshold, species and species.threshold_typical, TYPICAL_CLASSIFICATION
        ),
    }
    config = FrozenJobConfig(
        stages=tuple(_stage(choice, thresholds, settings, overrides) for choice in chosen),
        detection_threshold=thresholds[ModelKind.DETECTION],
        classification_threshold=thresholds[ModelKind.CLASSIFICATION],
        nms_iou=settings.nms_iou,
        match_iou=settings.match_iou,
        embedding_algorithm_id=_embedding_algorithm(chosen, settings),
        overrides=overrides.model_dump(mode="json", exclude_unset=True),
    )
    return Frozen(config, detection.connection_id)


def _settings(project: ClassificationProject, overrides: Overrides) -> _Settings:
    values: dict[str, Any] = {
        name: getattr(project, f"{name}_id" if name.endswith("_ai_model") else name) for name in _Settings.model_fields
    }
    given = overrides.model_dump(include=overrides.model_fields_set & values.keys())
    fixed = {name: values[name] for name in ("nms_iou", "match_iou", "keep_logits") if given.get(name) is None}
    return _Settings(**(values | given | fixed))


async def _choose(db: Session, settings: _Settings, overrides: Overrides) -> list[Chosen]:
    """The provider of each stage, detection first."""
    provider_ids: dict[ModelKind, UUID] = {}
    for kind, (setting, _) in _SETTINGS.items():
        provider_id = getattr(settings, setting)
        if provider_id is not None:
            provider_ids[kind] = provider_id
    if ModelKind.DETECTION not in provider_ids:
        raise NoDetectionProvider
    if provider_ids.get(ModelKind.EMBEDDING) == provider_ids.get(ModelKind.CLASSIFICATION):
        provider_ids.pop(ModelKind.EMBEDDING, None)  # the classifier gives the features in the same pass
    active = await queries.providers(db, list(provider_ids.values()))
    return [
        _fitting(kind, provider_id, active.get(provider_id), overrides) for kind, provider_id in provider_ids.items()
    ]


def _fitting(kind: ModelKind, provider_id: UUID, choice: Chosen | None, overrides: Overrides) -> Chosen:
    setting, fitting = _SETTINGS[kind]
    if choice is None or choice.provider.provider_type not in fitting:
        raise _unfit(setting, overrides, f"there is no active {kind.value} provider {provider_id}")
    provider = choice.provider
    if kind is ModelKind.EMBEDDING and provider.embedding_dimension is None:
        raise _unfit(setting, overrides, f"{provider.name} gives no features")
    if provider.is_unpinned and not overrides.allow_unpinned:
        raise _unfit(
            setting,
            overrides,
            f"no operator has confirmed which weights {provider.name} has; run `trapper models pin {provider.name}`, "
            "or set allow_unpinned",
        )
    return replace(choice, kind=kind)


def _unfit(setting: str, overrides: Overrides, message: str) -> Invalid:
    """A refusal at the override that names the provider, or at the project's setting."""
    if setting in overrides.model_fields_set:
        return Invalid(
            message, errors=[FieldError(loc=["body", "overrides", setting], code="provider-unfit", message=message)]
        )
    return Invalid(f"the project's {setting}: {message}")


def _embedding_algorithm(chosen: Sequence[Chosen], settings: _Settings) -> UUID | None:
    """The algorithm of the chosen embedding provider, which may be the classifier."""
    algorithms = {choice.provider.id: choice.provider.algorithm_id for choice in chosen}
    return algorithms[settings.embedding_ai_model] if settings.embedding_ai_model is not None else None


def _stage(
    choice: Chosen, thresholds: dict[ModelKind, float], settings: _Settings, overrides: Overrides
) -> ProviderStage:
    provider = choice.provider
    assert provider.algorithm_id is not None  # noqa: S101 - an active provider is registered
    return ProviderStage(
        kind=choice.kind,
        provider_id=provider.id,
        algorithm_id=provider.algorithm_id,
        category_map_id=choice.category_map_id,
        labels=choice.labels,
        features=provider.embedding_dimension,
        model=ModelRef(
            name=provider.name, version=provider.version, sha256=provider.sha256, unpinned=provider.is_unpinned
        ),
        threshold=thresholds.get(choice.kind),
        nms_iou=settings.nms_iou if choice.kind is ModelKind.DETECTION else None,
        top_k=overrides.top_k,
        logits=choice.kind is ModelKind.CLASSIFICATION and keeps_logits(settings.keep_logits, choice.labels),
    )


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
