"""Check a person's observations against the rules and the project's classificator, field by field."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from expert.classifications import queries
from expert.observations.state import (
    BLANK_STANDS_ALONE,
    ObservationInput,
    ObservationType,
    faults,
    frame_fault,
)
from expert.resources.models import Resource
from expert.resources.state import ResourceKind
from trapper_kit.db import Session
from trapper_kit.problems import Invalid
from trapper_kit.text import check_text
from trapper_schemas.problem import FieldError

_TYPES: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "choice": (str,),
}
PREDEFINED = frozenset(
    {"observation_type", "taxon", "taxon_id", "sex", "life_stage", "behaviour", "count", "individual_id"}
)
Location = tuple[str | int, ...]


async def check_attributes(
    db: Session,
    project_id: UUID,
    resource: Resource,
    static_attributes: Mapping[str, Any],
    observations: Sequence[ObservationInput] | None,
) -> None:
    """Raises Invalid with an error for each refused field; observations of None are not checked."""
    classificator = await queries.classificator_of(db, project_id)
    errors = list(_attribute_errors(("static_attributes",), static_attributes, classificator.static_attributes))
    if observations is not None:
        if not observations:
            errors.append(_error(("dynamic_attrs",), "give at least one observation; blank is an observation too"))
        taxon_ids = [observation.taxon_id for observation in observations if observation.taxon_id is not None]
        known_taxa = await queries.known_taxa(db, taxon_ids) if taxon_ids else set[UUID]()
        errors += _blank_errors(observations)
        for index, observation in enumerate(observations):
            location = ("dynamic_attrs", index)
            errors += _observation_errors(location, observation, known_taxa, classificator.dynamic_attributes)
            fault = frame_fault(
                observation.first_frame_index, is_video=resource.kind is ResourceKind.VIDEO, frames=_frames(resource)
            )
            if fault is not None:
                errors.append(_error((*location, "first_frame_index"), fault))
    if errors:
        raise Invalid("; ".join(dict.fromkeys(error.message for error in errors)), errors=errors)


def _frames(resource: Resource) -> int | None:
    """The number of frames of a video, where its length is known."""
    if not resource.duration_seconds or not resource.frames_per_second:
        return None
    return max(1, math.ceil(resource.duration_seconds * resource.frames_per_second))


def _blank_errors(observations: Sequence[ObservationInput]) -> Iterable[FieldError]:
    if len(observations) > 1:
        for index, observation in enumerate(observations):
            if observation.observation_type is ObservationType.BLANK:
                yield _error(("dynamic_attrs", index, "observation_type"), BLANK_STANDS_ALONE)


def _observation_errors(
    location: Location,
    observation: ObservationInput,
    known_taxa: AbstractSet[UUID],
    rules: Sequence[Mapping[str, Any]],
) -> Iterable[FieldError]:
    for field, message in faults(observation):
        yield _error((*location, field), message)
    if observation.taxon_id is not None and observation.taxon_id not in known_taxa:
        yield _error((*location, "taxon_id"), "there is no such taxon; look it up under /api/taxa/")
    own = [rule for rule in rules if rule["name"] not in PREDEFINED]
    yield from _attribute_errors((*location, "custom_attributes"), observation.custom_attributes, own)
    for rule in rules:
        name = "taxon_id" if rule["name"] == "taxon" else str(rule["name"])
        missing = name in PREDEFINED and rule.get("required") and getattr(observation, name) is None
        if missing and observation.observation_type is ObservationType.ANIMAL:
            yield _error((*location, name), "this attribute is required")


def _attribute_errors(
    location: Location, attributes: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]
) -> Iterable[FieldError]:
    by_name = {str(rule["name"]): rule for rule in rules}
    for name, value in attributes.items():
        rule = by_name.get(name)
        if rule is None:
            names = ", ".join(by_name) or "none"
            yield _error((*location, name), f"the project does not have this attribute; it has: {names}")
        elif value is not None and not _fits(value, rule):
            yield _error((*location, name), f"this is not {_expected(rule)}")
        elif isinstance(value, str) and (problem := _damage(value)) is not None:
            yield _error((*location, name), f"this {problem}")
    for name, rule in by_name.items():
        if rule.get("required") and attributes.get(name) is None:
            yield _error((*location, name), "this attribute is required")


def _damage(text: str) -> str | None:
    try:
        check_text(text)
    except ValueError as problem:
        return str(problem)
    return None


def _fits(value: object, rule: Mapping[str, Any]) -> bool:
    kind = str(rule.get("type", "text"))
    if isinstance(value, bool) and kind != "boolean":
        return False
    if not isinstance(value, _TYPES.get(kind, (str,))):
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False  # JSON of Python knows NaN, that of the database does not
    return kind != "choice" or value in rule.get("choices", ())


def _expected(rule: Mapping[str, Any]) -> str:
    kind = str(rule.get("type", "text"))
    return f"one of {', '.join(map(str, rule.get('choices', ())))}" if kind == "choice" else f"of type {kind}"


def _error(location: Location, message: str) -> FieldError:
    return FieldError(loc=["body", *location], code="invalid", message=message)
