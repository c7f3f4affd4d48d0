"""Give resources without a deployment the deployment that a later upload of the same bytes names."""

from uuid import UUID

from expert.capture_times.queries import Scope, hold_place
from expert.capture_times.rederive import Rederived, rederive
from expert.uploads import queries
from trapper_kit.db import Session


async def learn_deployments(db: Session, deployments: dict[UUID, UUID]) -> Rederived:
    """How many resources, and observations of them, are at a deployment now; times follow its clock.

    A resource that is at a deployment stays there.
    """
    for deployment_id in sorted(set(deployments.values())):
        await hold_place(db, deployment_id)
    changed = await queries.set_deployments_where_unknown(db, deployments)
    if not changed:
        return Rederived()
    observations = (await rederive(db, Scope(resource_ids=changed))).observations
    for deployment_id in sorted({deployments[resource_id] for resource_id in changed}):
        await rederive(db, Scope(deployment_id=deployment_id))  # the order of its files may tell more now
    return Rederived(len(changed), observations)
