"""Stores what a worker reports about itself."""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from ai_manager.workers import queries
from ai_manager.workers.errors import WorkerNotFound
from ai_manager.workers.models import Worker
from trapper_kit.db import Session
from trapper_kit.text import clean_json
from trapper_schemas.v1.workers import Heartbeat

SLOWEST, FASTEST = 1e-6, 1e6
"""Resources per second; beyond, what is foretold by a speed would be no number any more."""
MOST_MODELS = 1000


def _plausible(speeds: Mapping[str, float]) -> dict[str, float]:
    """Returns those values that can be a speed."""
    return dict(islice(((key, speed) for key, speed in speeds.items() if SLOWEST <= speed <= FASTEST), MOST_MODELS))


async def note_seen(db: Session, worker_id: UUID, beat: Heartbeat) -> Worker:
    """Stores the moment, speed, load and models."""
    changes: dict[str, Any] = {"load": beat.load, "number": beat.number}
    if beat.devices:
        changes["device_load"] = clean_json([device.model_dump(mode="json") for device in beat.devices])
    if beat.images_per_second:
        changes["images_per_second"] = clean_json(_plausible(beat.images_per_second))
    if beat.models_on_disk is not None:
        changes["models_on_disk"] = clean_json(beat.models_on_disk)
    worker = await queries.note_seen(db, worker_id, **changes)
    if worker is None:
        raise WorkerNotFound
    return worker
