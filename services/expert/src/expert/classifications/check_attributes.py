"""Check what a person says against the database's rules and the project's classificator, field by field."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from expert.classifications import queries
from expert.observations.state import Told, faults
from trapper_kit.db import Session
from trapper_kit.problems import Invalid
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


async def check_said(
    db: Session, project_id: UUID, static_attributes: Mapping[str, Any], observations: Sequence[Told] | None
) -> None:
    """Raises Invalid with one error for each field that is not accepted; without observations they stay as they are."""
    classificator = await queries.classificator_of(db, project_id)
    errors = list(_check(("static_attributes",), static_attributes, classificator.static_attributes))
    if observations is not None:
        if not observations:
            errors.append(_error(("dynamic_attrs",), "say at least one thing; blank is an observation too"))
        wanted = [one.taxon_id for one in observations if one.taxon_id is not None]
        known = await queries.known_taxa(db, wanted) if wanted else set[UUID]()
        for index, one in enumerate(observations):
            errors += _check_observation(index, one, known, classificator.dynamic_attributes)
    if errors:
        raise Invalid("; ".join(dict.fromkeys(error.message for error in errors)), errors=errors)


def _check_observation(
    index: int, one: Told, known: AbstractSet[UUID], rules: Sequence[Mapping[str, Any]]
) -> Iterable[FieldError]:
    here = ("dynamic_attrs", index)
    for name, sentence in faults(one):
        yield _error((*here, name), sentence)
    if one.taxon_id is not None and one.taxon_id not in known:
        yield _error((*here, "taxon_id"), "there is no such taxon")
    own = [rule for rule in rules if rule["name"] not in PREDEFINED]
    yield from _check((*here, "custom_attributes"), one.custom_attributes, own)
    yield from _required(here, one, rules)


def _check(
    where: tuple[str | int, ...], said: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]
) -> Iterable[FieldError]:
    by_name = {str(rule["name"]): rule for rule in rules}
    for name, value in said.items():
        rule = by_name.get(name)
        if rule is None:
            yield _error((*where, name), "the project does not ask for this attribute")
        elif value is not None and not _fits(value, rule):
            yield _error((*where, name), f"this is not {_wanted(rule)}")
    for name, rule in by_name.items():
        if rule.get("required") and said.get(name) is None:
            yield _error((*where, name), "this attribute is required")


def _required(here: tuple[str | int, ...], one: Told, rules: Sequence[Mapping[str, Any]]) -> Iterable[FieldError]:
    for rule in rules:
        name = "taxon_id" if rule["name"] == "taxon" else str(rule["name"])
        if name in PREDEFINED and rule.get("required") and getattr(one, name) is None and not _needless(one, name):
            yield _error((*here, name), "this attribute is required")


def _needless(one: Told, name: str) -> bool:
    """A taxon, sex or age is asked of animals only."""
    return one.observation_type.value != "animal" and name != "observation_type"


def _fits(value: object, rule: Mapping[str, Any]) -> bool:
    kind = str(rule.get("type", "text"))
    if isinstance(value, bool) and kind != "boolean":
        return False
    if not isinstance(value, _TYPES.get(kind, (str,))):
        return False
    return kind != "choice" or value in rule.get("choices", ())


def _wanted(rule: Mapping[str, Any]) -> str:
    kind = str(rule.get("type", "text"))
    return f"one of {', '.join(map(str, rule.get('choices', ())))}" if kind == "choice" else f"of type {kind}"


def _error(loc: tuple[str | int, ...], message: str) -> FieldError:
    return FieldError(loc=["body", *loc], code="invalid", message=message)
