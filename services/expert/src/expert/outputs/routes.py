"""The route that stores features of kept results."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from expert.access.guards import MayAdminister
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db
from expert.outputs.backfill import start_backfill
from expert.outputs.errors import NoEmbeddingModel
from expert.outputs.schemas import EmbeddingBackfill, StartedBackfill
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import IdempotencyKey

router = APIRouter(prefix="/api/classification-projects", tags=["embeddings"])


@router.post(
    "/{project_id}/embeddings/",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFound, Forbidden, NoEmbeddingModel),
)
async def store_embeddings(
    project_id: UUID, body: EmbeddingBackfill, key: IdempotencyKey, caller: MayAdminister, db: Db, response: Response
) -> StartedBackfill:
    """Store kept features of the project's embedding model; `Location` is the address of the operation."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    operation = await start_backfill(db, project_id, IdempotentRequest.of(caller, key, body))
    response.headers["Location"] = f"/api/operations/{operation.id}/"
    return StartedBackfill(operation_id=operation.id)
