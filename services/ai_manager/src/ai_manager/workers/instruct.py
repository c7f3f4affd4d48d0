"""Orders workers to pause, resume or drain; they learn it from the reply to their next heartbeat."""

from uuid import UUID

from ai_manager.workers import queries
from ai_manager.workers.errors import WorkerNotFound
from ai_manager.workers.state import ORDERS, Order
from trapper_kit.db import Session
from trapper_kit.logs import log


async def instruct_workers(db: Session, order: Order, worker_id: UUID | None = None) -> int:
    """Orders one worker, or all that are not revoked, and returns their number; repeating changes nothing."""
    instructed = await queries.instruct(db, ORDERS[order], worker_id)
    if worker_id is not None and not instructed:
        raise WorkerNotFound(f"no worker {worker_id} that is not revoked")
    log("workers.instructed", order=order.value, worker_id=worker_id, workers=instructed)
    return instructed
