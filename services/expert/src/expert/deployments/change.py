"""Change a deployment; times, flags and copies of its resources follow, and they are archived with it."""

from typing import Any

from expert.access.make_once import keep
from expert.capture_times.queries import Scope
from expert.capture_times.rederive import Rederived, rederive
from expert.deployments import queries
from expert.deployments.create import refusals
from expert.deployments.models import Deployment
from trapper_kit.db import Session, enqueue_after_commit

_TIMES = frozenset({"location_id", "start_at", "end_at"})


async def change_deployment(db: Session, row: Deployment, fields: dict[str, Any]) -> Rederived:
    """How many resources and observations changed with it; raises DeploymentIdTaken, LocationElsewhere, Invalid."""
    times_follow = any(fields[name] != getattr(row, name) for name in _TIMES & fields.keys())
    is_archived_or_back = fields.get("is_active", row.is_active) != row.is_active
    for name, value in fields.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    resources = 0
    if is_archived_or_back:
        resources = await queries.archive_resources(db, row.id, is_active=row.is_active)
        enqueue_after_commit(db, "jobs.cover")
    times = await rederive(db, Scope(deployment_id=row.id)) if times_follow else Rederived()
    return Rederived(max(resources, times.resources), times.observations)
