"""What a resource's detections mean: observations with their predictions, and a hash of all that they say. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from expert.observations.state import ObservationType, has_area
from expert.observations.write_many import NewObservation, NewPrediction
from expert.results.read_blob import Box
from trapper_schemas.v1 import models as wire

NO_TAXON = frozenset({wire.ObservationType.HUMAN, wire.ObservationType.VEHICLE})
"""Labels of these types name no species, whatever else a label file says about them."""


class Meaning(Protocol):
    """What one label of a model means."""

    @property
    def label(self) -> str: ...
    @property
    def observation_type(self) -> wire.ObservationType | None: ...
    @property
    def taxon_id(self) -> UUID | None: ...
    @property
    def rank(self) -> str | None: ...


@dataclass(frozen=True)
class Speaker:
    """A model with its words, and how sure it must be."""

    algorithm_id: UUID
    meanings: Sequence[Meaning]
    threshold: float


def observe(
    boxes: Sequence[Box], detector: Speaker, classifier: Speaker | None, *, damaged: bool = False
) -> list[NewObservation]:
    """One observation per object at or above the threshold; without any, blank, or unclassified where part is lost."""
    found = [
        one
        for box in boxes
        if box.score >= detector.threshold
        and has_area(box.box)
        and (one := _object(box, detector, classifier)) is not None
    ]
    nothing = ObservationType.UNCLASSIFIED if damaged else ObservationType.BLANK
    return found or [NewObservation(observation_type=nothing)]


def _object(box: Box, detector: Speaker, classifier: Speaker | None) -> NewObservation | None:
    seen = detector.meanings[box.label]
    if seen.observation_type is None:
        return None  # say, a bench: in the blob, and in no row
    species = _species(box, classifier) if classifier is not None else None
    if species is not None and classifier is not None and seen.observation_type in NO_TAXON:
        typed = classifier.meanings[_best(box)[0]].observation_type is not None
        species = replace(species, terminal=species.terminal and typed)  # a species model's answer about a human
    says = _prediction(detector, [(box.label, box.score)], terminal=species is None or not species.terminal)
    sure = species if species is not None and species.terminal else None
    kind = seen.observation_type
    if sure is not None and classifier is not None:
        kind = classifier.meanings[_best(box)[0]].observation_type or kind
    return NewObservation(
        observation_type=ObservationType(kind.value),
        taxon_id=sure.taxon_id if sure else says.taxon_id,
        label=sure.label if sure else says.label,
        bbox=box.box,
        first_frame_index=box.frame,
        detection_confidence=box.score,
        classification_confidence=sure.score if sure else None,
        predictions=(says,) if species is None else (says, species),
    )


def _best(box: Box) -> tuple[int, float]:
    return max(box.classified, key=lambda one: one[1])


def _species(box: Box, classifier: Speaker) -> NewPrediction | None:
    if not box.classified:
        return None
    ranked = sorted(box.classified, key=lambda one: -one[1])
    best = classifier.meanings[ranked[0][0]]
    # A blank or unknown of the species model refutes no box of the detector (ADR 0010).
    names_something = best.rank != wire.NO_RANK or best.observation_type in NO_TAXON
    terminal = ranked[0][1] >= classifier.threshold and names_something
    return _prediction(classifier, ranked, terminal=terminal, output_row=box.classified_row)


def _prediction(
    speaker: Speaker, ranked: Sequence[tuple[int, float]], *, terminal: bool, output_row: int | None = None
) -> NewPrediction:
    best, score = ranked[0]
    return NewPrediction(
        algorithm_id=speaker.algorithm_id,
        label=speaker.meanings[best].label,
        taxon_id=None if speaker.meanings[best].observation_type in NO_TAXON else speaker.meanings[best].taxon_id,
        score=score,
        top_k=[_told(speaker.meanings[index], value) for index, value in ranked],
        terminal=terminal,
        output_row=output_row,
    )


def _told(meaning: Meaning, score: float) -> dict[str, Any]:
    taxon_id = meaning.taxon_id
    return {"label": meaning.label, "score": score, "taxon_id": taxon_id and str(taxon_id)}


def content_hash(observations: Sequence[NewObservation]) -> str:
    """Equal for two looks that say the same, whatever job and batch they came in."""
    said = [
        [one.observation_type, one.label, one.taxon_id, one.bbox, one.first_frame_index, one.detection_confidence]
        + [[p.algorithm_id, p.label, p.taxon_id, p.score, p.top_k, p.terminal] for p in one.predictions]
        for one in observations
    ]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()
