"""Every route of the Expert selects what its caller may see, or says why it need not: rows have tenants."""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeGuard

import pytest
from fastapi.routing import APIRoute

from expert.access import queries
from expert.access.require import require
from expert.access.state import Capability
from tests.architecture.sources import app_of
from trapper_kit.web.guards import api_routes, capability_of, is_public

GATES: frozenset[Callable[..., Any]] = frozenset(
    {
        require,
        queries.research_role,
        queries.classification_roles,
        queries.readable_research_projects,
        queries.readable_classification_projects,
        queries.readable_collections,
    }
)
"""Where it is decided what a caller may see; `visible_to` of each feature is made of them."""

WITHOUT_TENANT = {
    "/api/sessions/": "the caller's own sessions",
    "/api/sessions/current/": "the caller's own session",
    "/api/sessions/{session_id}/": "selected with the caller's id",
    "/api/me/": "the caller",
    "/api/me/password/": "the caller",
    "/api/tokens/": "the caller's own tokens",
    "/api/tokens/{token_id}/": "selected with the caller's id",
    "/api/invitations/": "those to the caller's own address",
    "/api/invitations/{invitation_id}/": "selected with the caller's own address",
    "/api/research-projects/": "requests a new project of the caller",
    "/api/postprocessing/": "the methods are the same for everybody",
    "/api/taxa/": "the taxonomy is everybody's",
    "/api/taxa/{taxon_id}/": "the taxonomy is everybody's",
    "/api/algorithms/": "algorithms are everybody's",
    "/api/algorithms/{algorithm_id}/": "algorithms are everybody's",
    "/api/algorithms/{algorithm_id}/labels/": "labels are everybody's",
    "/api/unresolved-labels/": "labels are everybody's, as those of algorithms",
    "/api/ai-providers/": "the models are everybody's",
    "/api/ai-providers/{provider_id}/": "the models are everybody's",
}
"""Paths of which some route reads no row of a tenant, and why."""


def referred(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """The functions of the Expert that a function refers to, by name or as an attribute of a module."""
    plain = inspect.unwrap(function)
    names = _names(plain.__code__)
    for name in names:
        value = plain.__globals__.get(name)
        values = [getattr(value, inner, None) for inner in names] if isinstance(value, ModuleType) else [value]
        yield from (part for part in values if _is_ours(part))


def _names(code: CodeType) -> set[str]:
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names).union(*inner)


def _is_ours(value: Any) -> TypeGuard[FunctionType]:
    return isinstance(value, FunctionType) and value.__module__.startswith(("expert", __name__))


def passes_a_gate(endpoint: Callable[..., Any]) -> bool:
    """Whether a route, or what it calls, asks what its caller may see."""
    seen: set[Callable[..., Any]] = set()
    waiting = [endpoint]
    while waiting:
        function = waiting.pop()
        if function in GATES:
            return True
        if function not in seen:
            seen.add(function)
            waiting += referred(function)
    return False


def routes() -> list[APIRoute]:
    """The routes that serve people with rows: not those for everybody, and not those of a site's administrator."""
    return [
        route
        for route in api_routes(app_of("expert").routes)
        if not is_public(route) and capability_of(route) != Capability.ADMINISTER_SITE
    ]


def test_every_route_selects_what_its_caller_may_see() -> None:
    checked = routes()
    assert len(checked) > 50
    open_paths = {route.path for route in checked if not passes_a_gate(route.endpoint)}
    assert open_paths - set(WITHOUT_TENANT) == set(), "select rows with visible_to, or call require"
    assert set(WITHOUT_TENANT) - open_paths == set(), "these are not needed any more"


async def _unchecked(db: Any) -> Any:
    return await db.get(object, 1)


async def _checked(db: Any, caller: Any) -> Any:
    return await _selected(db, queries.readable_collections(caller))


async def _selected(db: Any, condition: Any) -> Any:
    return await db.scalars(condition)


async def _through_another(db: Any, caller: Any) -> Any:
    return await _checked(db, caller)


@pytest.mark.parametrize(("endpoint", "passes"), [(_unchecked, False), (_checked, True), (_through_another, True)])
def test_a_route_without_a_gate_is_seen(endpoint: Callable[..., Any], *, passes: bool) -> None:
    assert passes_a_gate(endpoint) is passes
