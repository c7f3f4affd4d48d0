"""Create a deployment of a research project."""

from typing import Any

from expert.access.make_once import IdempotentRequest, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deployments.errors import DeploymentIdTaken, LocationElsewhere
from expert.deployments.models import Deployment
from trapper_kit.db import Session
from trapper_kit.problems import Invalid, Problem
from trapper_schemas.ids import uuid7


async def create_deployment(
    db: Session, caller: Caller, request: IdempotentRequest, fields: dict[str, Any]
) -> tuple[Deployment, bool]:
    """The deployment, and whether it is new; raises NotFound, Forbidden, DeploymentIdTaken, LocationElsewhere."""
    await require(db, caller, Capability.DESCRIBE, research_project=fields["research_project_id"])
    row = Deployment(id=uuid7(), **fields)
    return await make_once(db, row, request, taken=refusals(row))


def refusals(row: Deployment) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    return {
        "deployments_research_project_id_deployment_id_key": DeploymentIdTaken(
            f"there is already a deployment {row.deployment_id!r} in this research project"
        ),
        "deployments_location_of_its_project_fkey": LocationElsewhere(
            "location_id names no location of this research project"
        ),
        "deployments_end_after_start_check": Invalid.field("end_at", "end_at must lie after start_at"),
    }
