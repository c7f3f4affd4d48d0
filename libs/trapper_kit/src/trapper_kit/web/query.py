"""Refuses query parameters that a route does not declare, so that a misspelt filter is never ignored."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from trapper_kit.problems import Invalid
from trapper_schemas.problem import FieldError


async def refuse_unknown_query(request: Request) -> None:
    """Raises Invalid, naming each parameter that the route does not know, or that it takes only once."""
    if not request.query_params:
        return
    repeatable = dict(_declared(request.scope["route"].dependant))
    errors: list[FieldError] = []
    for name in dict.fromkeys(request.query_params):
        if name not in repeatable:
            known = f"it takes {', '.join(sorted(repeatable))}" if repeatable else "it takes none"
            errors.append(_error(name, "unknown", f"{name} is not a query parameter of this path; {known}"))
        elif not repeatable[name] and len(request.query_params.getlist(name)) > 1:
            errors.append(_error(name, "repeated", f"{name} is given more than once; this path takes it once"))
    if errors:
        raise Invalid("; ".join(error.message for error in errors[:3]), errors=errors[:20])


def _declared(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The names of a route's query parameters, and whether each may be repeated."""
    for field in dependant.query_params:
        annotation: Any = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):  # a model of several parameters
            yield from ((name, _is_list(info.annotation)) for name, info in annotation.model_fields.items())
        else:
            yield field.alias, _is_list(annotation)
    for dependency in dependant.dependencies:
        yield from _declared(dependency)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _error(name: str, code: str, message: str) -> FieldError:
    return FieldError(loc=["query", name], code=code, message=message)
