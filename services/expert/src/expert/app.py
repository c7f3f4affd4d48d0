"""The web process: one app from the routes of every feature; the only importer of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request

from expert.access.routes import router as access
from expert.algorithms.routes import router as algorithms
from expert.classification_projects.routes import collection_links
from expert.classification_projects.routes import router as classification_projects
from expert.classifications.routes import router as classifications
from expert.collections.routes import router as collections
from expert.deployments.routes import router as deployments
from expert.deps import ExpertWork, open_work
from expert.fleet.routes import router as fleet
from expert.jobs.routes import router as jobs
from expert.locations.routes import router as locations
from expert.members.routes import router as members
from expert.observations.routes import router as observations
from expert.occurrences.routes import router as occurrences
from expert.operations.routes import router as operations
from expert.outputs.routes import router as outputs
from expert.postprocessing.routes import router as postprocessing
from expert.providers.routes import router as providers
from expert.research_projects.routes import router as research_projects
from expert.resources.routes import router as resources
from expert.results.routes import router as results
from expert.sequences.routes import resource_neighbours
from expert.sequences.routes import router as sequences
from expert.settings import ExpertSettings
from expert.similarity.routes import router as similarity
from expert.statistics.routes import router as statistics
from expert.taxa.routes import router as taxa
from expert.taxa_lists.routes import router as taxa_lists
from expert.unresolved_labels.routes import router as unresolved_labels
from expert.uploads.routes import router as uploads
from expert.web.routes import router as web
from trapper_kit.web.app import build_app

ROUTERS: tuple[APIRouter, ...] = (
    access,
    members,
    research_projects,
    taxa,
    taxa_lists,
    unresolved_labels,
    locations,
    deployments,
    resources,
    collections,
    algorithms,
    fleet,
    providers,
    classification_projects,
    collection_links,
    uploads,
    sequences,
    resource_neighbours,
    observations,
    occurrences,
    classifications,
    operations,
    jobs,
    outputs,
    postprocessing,
    results,
    similarity,
    statistics,
)


def create_app(settings: ExpertSettings | None = None, *, work: ExpertWork | None = None) -> FastAPI:
    """Returns the app; with `work` it uses that, else it opens its own from the settings at startup."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        if work is not None:
            app.state.work = work
            yield
            return
        async with open_work(settings or ExpertSettings.from_environment()) as opened:
            app.state.work = opened
            yield

    async def ready(request: Request) -> dict[str, Any]:
        opened: ExpertWork = request.app.state.work
        await opened.database.check()
        return {"queue": "configured" if opened.settings.redis_url else "swept"}

    app = build_app(
        service="expert",
        title="TRAPPER Expert",
        version=version("expert"),
        routers=ROUTERS,
        lifespan=lifespan,
        ready=ready,
    )
    app.include_router(web)  # its addresses have parameters that the browser reads, so none is refused
    return app


def contract_app() -> FastAPI:
    """Returns the app for printing its contract; it cannot serve."""
    return create_app()
