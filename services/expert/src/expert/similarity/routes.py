"""The route that searches for similar objects."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.deps import Db
from expert.observations.build_reply import build_reply
from expert.observations.queries import predictions_of
from expert.similarity.errors import NoEmbedding
from expert.similarity.find_similar import find_similar
from expert.similarity.queries import SimilarFilters
from expert.similarity.schemas import SimilarObservation, SimilarObservations
from trapper_kit.problems import NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Limit

router = APIRouter(prefix="/api/observations", tags=["observations"])


@router.get("/{observation_id}/similar/", responses=problems(NotFound, NoEmbedding))
async def list_similar(
    observation_id: UUID,
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    classification_project_id: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    taxon_id: Annotated[list[UUID] | None, Query(max_length=200, description="with all taxa below")] = None,
    deployment_id: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    algorithm_id: Annotated[UUID | None, Query(description="whose features are compared; the newest without")] = None,
) -> SimilarObservations:
    """List the current objects of the caller's projects that look most like this one."""
    filters = SimilarFilters(classification_project_id or (), taxon_id or (), deployment_id or ())
    similar = await find_similar(db, caller, observation_id, filters, limit=limit, algorithm_id=algorithm_id)
    predictions = await predictions_of(db, [near.observation.id for near in similar.items], terminal=True)
    return SimilarObservations(
        items=[
            SimilarObservation(
                distance=near.distance,
                observation=build_reply(
                    near.observation, near.scientific_name, predictions.get(near.observation.id, ())
                ),
            )
            for near in similar.items
        ],
        algorithm_id=similar.algorithm_id,
        is_exact=similar.is_exact,
    )
