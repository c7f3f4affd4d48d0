"""Guards of routes: every route has one or is marked public, which a test checks."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from trapper_kit.problems import Problem

F = TypeVar("F", bound=Callable[..., Any])
_GUARD = "__trapper_guard__"
_CAPABILITY = "__trapper_capability__"
_PUBLIC = "__trapper_public__"
_REFUSALS = "__trapper_refusals__"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(function: F) -> F:
    """Marks a dependency that lets only some callers through."""
    setattr(function, _GUARD, True)
    return function


def guards(capability: str) -> Callable[[F], F]:
    """Marks a dependency that requires this capability."""

    def mark(function: F) -> F:
        setattr(function, _CAPABILITY, capability)
        return guard(function)

    return mark


def capability_of(route: APIRoute) -> str | None:
    """Returns the capability of a route's guard; None for public routes and other guards."""
    pending = list(route.dependant.dependencies)
    while pending:
        dependant = pending.pop()
        capability = getattr(dependant.call, _CAPABILITY, None)
        if capability is not None:
            return str(capability)
        pending += dependant.dependencies
    return None


def refuses(*kinds: type[Problem], unsafe: tuple[type[Problem], ...] = ()) -> Callable[[F], F]:
    """Name the refusals of a dependency for the contract of its routes; `unsafe` are those of writing methods only."""

    def mark(function: F) -> F:
        setattr(function, _REFUSALS, (kinds, unsafe))
        return function

    return mark


def refusals_of(route: APIRoute) -> Iterator[type[Problem]]:
    """The refusals that the dependencies of a route name."""
    pending = list(route.dependant.dependencies)
    while pending:
        dependant = pending.pop()
        kinds, unsafe = getattr(dependant.call, _REFUSALS, ((), ()))
        yield from kinds
        if not _SAFE_METHODS.issuperset(route.methods or ()):
            yield from unsafe
        pending += dependant.dependencies


def public(function: F) -> F:
    """Marks a route that everybody may call."""
    setattr(function, _PUBLIC, True)
    return function


def unguarded_routes(app: FastAPI) -> list[str]:
    """Returns the routes that have no guard and are not public."""
    return [
        f"{sorted(route.methods or [])} {route.path}"
        for route in api_routes(app.routes)
        if not is_public(route) and not guard_dependencies(route)
    ]


def is_public(route: APIRoute) -> bool:
    """Returns whether everybody may call a route."""
    return hasattr(route.endpoint, _PUBLIC)


def guard_dependencies(route: APIRoute) -> list[Dependant]:
    """Returns the dependencies of a route that are guards, or depend on one."""
    return [dependant for dependant in route.dependant.dependencies if _is_guard(dependant)]


def api_routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Yields every route of an app, also those of included routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from api_routes(route.original_router.routes)


def _is_guard(dependant: Dependant) -> bool:
    return hasattr(dependant.call, _GUARD) or any(_is_guard(inner) for inner in dependant.dependencies)
