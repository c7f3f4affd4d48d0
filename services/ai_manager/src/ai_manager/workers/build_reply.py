"""Workers as operators read them."""

from collections.abc import Sequence
from datetime import datetime

from ai_manager.workers import queries
from ai_manager.workers.models import Worker
from ai_manager.workers.state import state_of
from trapper_kit.db import Session
from trapper_schemas.v1.workers import Device, DeviceLoad, WorkerReply


async def build_replies(db: Session, rows: Sequence[Worker], *, alive_seconds: float) -> list[WorkerReply]:
    """The replies for workers, with what each lost; a worker is alive when it was seen within so many seconds."""
    now, losses = await queries.moment(db), await queries.losses_of(db, [row.id for row in rows])
    return [_reply(row, losses.get(row.id, {}), now, alive_seconds) for row in rows]


def _reply(worker: Worker, losses: dict[str, int], now: datetime, alive_seconds: float) -> WorkerReply:
    state = state_of(
        seen_at=worker.seen_at,
        revoked_at=worker.revoked_at,
        paused=worker.paused,
        drain=worker.drain,
        now=now,
        alive_seconds=alive_seconds,
    )
    return WorkerReply(
        id=worker.id,
        name=worker.name,
        version=worker.version,
        state=state,
        runtimes=worker.runtimes,
        devices=[Device.model_validate(device) for device in worker.devices],
        seen_at=worker.seen_at,
        images_per_second=worker.images_per_second,
        leases=worker.leases,
        project=worker.project,
        paused=worker.paused,
        drain=worker.drain,
        offline=worker.offline,
        load=worker.load,
        device_load=[DeviceLoad.model_validate(load) for load in worker.device_load],
        models_on_disk=len(worker.models_on_disk),
        losses=losses,
        enrolled_at=worker.enrolled_at,
        revoked_at=worker.revoked_at,
    )
