"""A route declares every refusal that it can raise, and no other, so that contract and clients know them."""

import importlib
import re

import pytest

from tests.architecture.refusals import raised_by
from trapper_kit.web.guards import api_routes, is_public

SERVICES = ("expert", "ai_manager", "ai_worker")
TYPE = re.compile(r"`([a-z0-9-]+)`: ")
OF_KINDS = {"unexpected", "unavailable", "malformed", "invalid", "too-large", "if-match-required"}
"""What the app itself answers for every route of a kind; the contract declares it by kind."""
OF_GUARDS = {"unauthenticated", "two-credentials", "csrf-missing", "forbidden", "protocol-not-served", "not-found"}
"""What guards declare."""
OF_METHODS = {"object-missing", "storage-full", "storage-unavailable", "method-refused"}
"""Raised by methods of stores and of post-processing, which the walk over names does not see."""
DEPENDS_ON_ARGUMENTS = {
    ("POST /api/workers/pause/", "worker-not-found"),
    ("POST /api/workers/resume/", "worker-not-found"),
    ("POST /api/workers/drain/", "worker-not-found"),
}
"""Raised by what the route calls, with other arguments."""


def _declared_and_raised(service: str) -> dict[str, tuple[set[str], set[str]]]:
    app = importlib.import_module(f"{service}.app").contract_app()
    paths = app.openapi()["paths"]
    found: dict[str, tuple[set[str], set[str]]] = {}
    for route in (route for route in api_routes(app.routes) if route.include_in_schema):
        for method in route.methods or ():
            responses = paths[route.path_format][method.lower()]["responses"].values()
            declared = {kind for response in responses for kind in TYPE.findall(response.get("description", ""))}
            raised = raised_by((route.endpoint.__module__, route.endpoint.__name__))
            name = f"{method} {route.path}"
            found[name] = declared, {kind for kind in raised if (name, kind) not in DEPENDS_ON_ARGUMENTS}
            assert is_public(route) or "unauthenticated" in declared, name
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_that_a_route_raises_is_declared(service: str) -> None:
    routes = _declared_and_raised(service)
    assert {name: missing for name, (declared, raised) in routes.items() if (missing := raised - declared)} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_no_refusal_is_declared_that_a_route_cannot_raise(service: str) -> None:
    routes = _declared_and_raised(service)
    unseen = OF_KINDS | OF_GUARDS | OF_METHODS
    assert {name: more for name, (declared, raised) in routes.items() if (more := declared - raised - unseen)} == {}
