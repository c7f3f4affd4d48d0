"""Every route of every service is guarded or says that it is public, and answers what its contract says."""

import json
from pathlib import Path

import pytest

from tests.architecture.sources import app_of
from trapper_kit.web.guards import api_routes, unguarded_routes

ROOT = Path(__file__).parents[2]
SERVICES = ("expert", "ai_manager", "ai_worker")


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_guarded_or_says_that_it_is_public(service: str) -> None:
    app = app_of(service)
    assert len(list(api_routes(app.routes))) > 0
    assert unguarded_routes(app) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_contract_is_the_served_one(service: str) -> None:
    app = app_of(service)
    committed = json.loads((ROOT / "services" / service / "openapi.json").read_text("utf-8"))
    assert committed == json.loads(json.dumps(app.openapi())), "run: make openapi"


@pytest.mark.parametrize("service", SERVICES)
def test_operation_ids_are_unique(service: str) -> None:
    app = app_of(service)
    ids = [operation["operationId"] for path in app.openapi()["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
