"""Stores the hashes that workers computed for unpinned entries; an operator decides on them."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ai_manager.catalog import queries, queries_pins
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.workers import PinProposal


async def propose_pins(
    db: Session, pins: Sequence[PinProposal], *, worker_id: UUID, worker_name: str, now: datetime
) -> int:
    """Returns how many proposals are new; the same one in the next heartbeat changes nothing.

    Proposals for entries that are unknown or retired are passed over; one that differs from a pin is logged, because
    then the source hands out other weights than the operator confirmed.
    """
    new = 0
    for pin in pins:
        model = await queries.by_name(db, pin.name, pin.version)
        if model is None or model.sha256 == pin.sha256:
            continue
        if model.sha256 is not None:
            log(
                "pin.differs",
                level=logging.WARNING,
                name=pin.name,
                version=pin.version,
                sha256=pin.sha256,
                pinned=model.sha256,
                worker_id=worker_id,
            )
        elif await queries_pins.note_proposal(db, model.id, pin, worker_id=worker_id, worker_name=worker_name, now=now):
            log("pin.proposed", name=pin.name, version=pin.version, sha256=pin.sha256, worker_id=worker_id)
            new += 1
    return new
