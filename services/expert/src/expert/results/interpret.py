"""Interprets a resource's detections as observations with predictions, and hashes what they say. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from expert.observations.state import ObservationLevel, ObservationType, has_area
from expert.observations.write_many import NewObservation, NewPrediction
from expert.results.read_blob import Box
from trapper_schemas.v1 import models as wire

NO_TAXON = frozenset({wire.ObjectType.HUMAN, wire.ObjectType.VEHICLE})
"""Labels of these types name no species, whatever else a label file says about them."""


class Meaning(Protocol):
    """What one label of a model means."""

    @property
    def label(self) -> str: ...
    @property
    def observation_type(self) -> wire.ObjectType | None: ...
    @property
    def taxon_id(self) -> UUID | None: ...
    @property
    def rank(self) -> str | None: ...


@dataclass(frozen=True)
class ModelLabels:
    """The labels of a model that its results name, by index, and the lowest score that counts."""

    algorithm_id: UUID
    meanings: Mapping[int, Meaning]
    threshold: float


def observe(
    boxes: Sequence[Box], detector: ModelLabels, classifier: ModelLabels | None, *, damaged: bool = False
) -> list[NewObservation]:
    """One observation per object at or above the threshold; without any, blank, or unclassified where part is lost."""
    counted = [box for box in boxes if box.score >= detector.threshold and has_area(box.box)]
    objects = [_object(box, detector, classifier) for box in counted]
    observations = [observation for observation in objects if observation is not None]
    nothing = ObservationType.UNCLASSIFIED if damaged else ObservationType.BLANK
    return observations or [NewObservation(nothing, ObservationLevel.RESOURCE)]


def _object(box: Box, detector: ModelLabels, classifier: ModelLabels | None) -> NewObservation | None:
    meaning = detector.meanings[box.label]
    if meaning.observation_type is None:
        return None  # say, a bench: in the blob, and in no row
    species = _species(box, classifier) if classifier is not None else None
    if species is not None and classifier is not None and meaning.observation_type in NO_TAXON:
        typed = classifier.meanings[_best(box)[0]].observation_type is not None
        species = replace(species, terminal=species.terminal and typed)  # a species model's answer about a human
    detection = _prediction(
        detector,
        [(box.label, box.score)],
        terminal=species is None or not species.terminal,
        output_row=box.classified_row if species is None else None,  # a job that only embeds
    )
    sure = species if species is not None and species.terminal else None
    kind = meaning.observation_type
    if sure is not None and classifier is not None:
        kind = classifier.meanings[_best(box)[0]].observation_type or kind
    return NewObservation(
        observation_type=ObservationType(kind.value),
        taxon_id=sure.taxon_id if sure else detection.taxon_id,
        label=sure.label if sure else detection.label,
        bbox=box.box,
        first_frame_index=box.frame,
        detection_confidence=box.score,
        classification_confidence=sure.score if sure else None,
        predictions=(detection,) if species is None else (detection, species),
    )


def _best(box: Box) -> tuple[int, float]:
    return max(box.classified, key=lambda pair: pair[1])


def _species(box: Box, classifier: ModelLabels) -> NewPrediction | None:
    if not box.classified:
        return None
    ranked = sorted(box.classified, key=lambda pair: -pair[1])
    best = classifier.meanings[ranked[0][0]]
    # A blank or unknown of the species model refutes no box of the detector (ADR 0010).
    names_something = best.rank != wire.NO_RANK or best.observation_type in NO_TAXON
    terminal = ranked[0][1] >= classifier.threshold and names_something
    return _prediction(classifier, ranked, terminal=terminal, output_row=box.classified_row)


def _prediction(
    model: ModelLabels, ranked: Sequence[tuple[int, float]], *, terminal: bool, output_row: int | None = None
) -> NewPrediction:
    best, score = ranked[0]
    return NewPrediction(
        algorithm_id=model.algorithm_id,
        label=model.meanings[best].label,
        taxon_id=None if model.meanings[best].observation_type in NO_TAXON else model.meanings[best].taxon_id,
        score=score,
        top_k=[_label_score(model.meanings[index], value) for index, value in ranked],
        terminal=terminal,
        output_row=output_row,
    )


def _label_score(meaning: Meaning, score: float) -> dict[str, Any]:
    taxon_id = meaning.taxon_id
    return {"label": meaning.label, "score": score, "taxon_id": taxon_id and str(taxon_id)}


def content_hash(observations: Sequence[NewObservation]) -> str:
    """Return the hash of what observations say; equal for results that say the same, whatever job they are of."""
    content = [
        [seen.observation_type, seen.label, seen.taxon_id, seen.bbox, seen.first_frame_index, seen.detection_confidence]
        + [[p.algorithm_id, p.label, p.taxon_id, p.score, p.top_k, p.terminal] for p in seen.predictions]
        for seen in observations
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
