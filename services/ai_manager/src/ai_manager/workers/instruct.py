"""Tell workers to pause, to go on, or to finish and leave; they hear it in the answer to their next heartbeat."""

from uuid import UUID

from ai_manager.workers import queries
from ai_manager.workers.errors import WorkerNotFound
from ai_manager.workers.state import ORDERS, Order
from trapper_kit.db import Session
from trapper_kit.logs import log


async def instruct_workers(db: Session, order: Order, worker_id: UUID | None = None) -> int:
    """One worker, or all that were not sent away; how many were told. The same order again changes nothing."""
    told = await queries.instruct(db, ORDERS[order], worker_id)
    if worker_id is not None and not told:
        raise WorkerNotFound(f"no worker {worker_id} that is not revoked")
    log("workers.instructed", order=order.value, worker_id=worker_id, told=told)
    return told
