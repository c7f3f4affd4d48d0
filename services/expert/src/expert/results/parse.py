"""Parses the results of one batch: what each resource's detections mean under a configuration, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from expert.classifications.record import SeenByAi
from expert.jobs.state import FrozenJobConfig, Outcome, ResourceOutcome
from expert.observations.state import ObservationType
from expert.results import queries
from expert.results.interpret import ModelLabels, content_hash, observe
from expert.results.read_blob import ParsedResource
from trapper_kit.db import Session
from trapper_schemas.v1.models import ModelKind


@dataclass(frozen=True)
class ParseSettings:
    """The labels and thresholds that a batch is parsed with."""

    config: FrozenJobConfig
    detector: ModelLabels
    classifier: ModelLabels | None


@dataclass(frozen=True)
class ParsedBatch:
    """The outcome of every resource, and what the models said of those that were looked at."""

    outcomes: Sequence[ResourceOutcome]
    seen: Sequence[SeenByAi]

    def counts(self) -> dict[str, int]:
        """The batch's own counts, by column."""
        outcomes = [outcome.outcome for outcome in self.outcomes]
        return {
            "total": len(outcomes),
            "done": outcomes.count(Outcome.DONE),
            "blank": outcomes.count(Outcome.BLANK),
            "failed": outcomes.count(Outcome.FAILED),
            "with_animals": sum(outcome.has_animals for outcome in self.outcomes),
        }


async def read_settings(db: Session, config: FrozenJobConfig, resources: Sequence[ParsedResource]) -> ParseSettings:
    """Read the labels of a configuration's models that the detections of these resources name."""
    boxes = [box for resource in resources for box in resource.boxes]
    indexes = {
        ModelKind.DETECTION: {box.label for box in boxes},
        ModelKind.CLASSIFICATION: {index for box in boxes for index, _ in box.classified},
    }
    maps = {stage.kind: stage.category_map_id for stage in config.stages if stage.category_map_id is not None}
    named = {(map_id, index) for kind, map_id in maps.items() for index in indexes.get(kind, ())}
    meanings = await queries.meanings_of(db, named) if named else {}
    labels = {
        stage.kind: ModelLabels(stage.algorithm_id, meanings.get(maps[stage.kind], {}), config.threshold_of(stage.kind))
        for stage in config.stages
        if stage.kind in maps
    }
    return ParseSettings(config, labels[ModelKind.DETECTION], labels.get(ModelKind.CLASSIFICATION))


def parse_batch(
    resources: Sequence[ParsedResource],
    settings: ParseSettings,
    places: Mapping[UUID, tuple[UUID | None, datetime | None]],
) -> ParsedBatch:
    """Parse a batch; `places` has the deployment and the time of each resource."""
    outcomes: list[ResourceOutcome] = []
    seen: list[SeenByAi] = []
    for resource in resources:
        resource_id, row = resource.resource_id, resource.index
        if resource.failure is not None:
            code, message = resource.failure.code.value, resource.failure.message
            outcomes.append(ResourceOutcome(resource_id, row, Outcome.FAILED, False, code, message))
            continue
        observations = observe(resource.boxes, settings.detector, settings.classifier, damaged=resource.damaged)
        types = {observation.observation_type for observation in observations}
        outcome = Outcome.BLANK if types == {ObservationType.BLANK} else Outcome.DONE
        outcomes.append(ResourceOutcome(resource_id, row, outcome, ObservationType.ANIMAL in types, None, None))
        seen.append(SeenByAi(resource_id, row, observations, content_hash(observations), *places[resource_id]))
    return ParsedBatch(outcomes, seen)
