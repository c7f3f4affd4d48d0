"""The statistics of a classification project."""

from uuid import UUID

from fastapi import APIRouter

from expert.access.guards import MayRead
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db
from expert.statistics import queries
from expert.statistics.schemas import Statistics
from expert.statistics.summarise import summarise
from trapper_kit.problems import NotFound
from trapper_kit.web.describe import problems

router = APIRouter(prefix="/api/classification-projects", tags=["statistics"])

_TAIL = 1_000
"""Changes of a project that a reader counts itself while they are not folded."""
_MOST_PENDING = 10_000


@router.get("/{project_id}/statistics/", responses=problems(NotFound))
async def read(project_id: UUID, caller: MayRead, db: Db) -> Statistics:
    """Read the numbers of a project: resources, labels, trap nights, and how far they are classified."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    links = await queries.readable_links_of(db, caller, project_id)
    cells = await queries.read_cells(db, project_id, links, tail=_TAIL)
    efforts = await queries.efforts(db, [cell.deployment_id for cell in cells if cell.deployment_id is not None])
    names = await queries.scientific_names(db, [cell.taxon_id for cell in cells if cell.taxon_id is not None])
    pending = await queries.count_waiting(db, project_id, beyond=_TAIL, at_most=_MOST_PENDING)
    return Statistics.model_validate({**summarise(cells, efforts, names), "pending": pending})
