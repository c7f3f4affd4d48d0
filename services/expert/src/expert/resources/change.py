"""Put right what was uploaded wrongly: deployment, time, visibility; archive a resource or bring it back."""

from typing import Any
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.capture_times.queries import Scope, hold_place
from expert.capture_times.rederive import Rederived, rederive
from expert.resources import queries
from expert.resources.models import Resource
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.problems import Invalid


async def hold_deployments(db: Session, resource_id: UUID, fields: dict[str, Any]) -> None:
    """Lock the deployments of a change before its resource, in the order in which changes of deployments lock."""
    named = {await queries.deployment_of(db, resource_id), fields.get("deployment_id")}
    known = [deployment_id for deployment_id in named if deployment_id is not None]
    for deployment_id in sorted(known):
        await queries.lock_deployment(db, deployment_id)


async def change_resource(db: Session, caller: Caller, row: Resource, fields: dict[str, Any]) -> Rederived:
    """How many resources (this one included) and observations changed.

    Raises Invalid for a foreign deployment, Forbidden for a visibility that the caller may not set.
    The caller holds the deployments (`hold_deployments`) and the row.
    """
    if fields.get("visibility", row.visibility) is not row.visibility:
        await require(db, caller, Capability.PUBLISH, research_project=row.research_project_id)
    former, deployment_id = row.deployment_id, fields.get("deployment_id", row.deployment_id)
    if deployment_id != former and deployment_id is not None:
        deployment = await queries.deployment_in(db, deployment_id, row.research_project_id)
        if deployment is None or not deployment.is_active:
            raise Invalid.field("deployment_id", "is no deployment of this research project, or an archived one")
    is_back = fields.get("is_active", row.is_active) and not row.is_active
    for name, value in fields.items():
        setattr(row, name, value)
    if "is_active" in fields:
        row.archived_with_deployment = False
    await db.flush()
    if deployment_id != former:
        await queries.move_paths(db, row.id, former, deployment_id)
    times = await rederive(db, Scope(resource_ids=[row.id]))
    rederived = await _order(db, row, {former, deployment_id} if deployment_id != former else set())
    if is_back:
        enqueue_after_commit(db, "jobs.cover")
    await db.refresh(row)
    return Rederived(1 + rederived.resources, times.observations + rederived.observations)


async def _order(db: Session, row: Resource, deployments: set[UUID | None]) -> Rederived:
    """Look again at the order of files around an hour that came twice, where the resource left and where it came."""
    resources = observations = 0
    for deployment_id in deployments - {None}:
        place = await hold_place(db, deployment_id)
        if row.recorded_at is not None and place.clock.is_set_back_near(row.recorded_at):
            times = await rederive(db, Scope(deployment_id=deployment_id, around=row.recorded_at))
            resources, observations = resources + times.resources, observations + times.observations
    return Rederived(resources, observations)
