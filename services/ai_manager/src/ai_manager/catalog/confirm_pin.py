"""Pins an entry: an operator confirms its weights, which makes it immutable under that hash."""

from ai_manager.catalog import queries, queries_pins
from ai_manager.catalog.errors import ModelImmutable, ModelNotFound, ModelNotReady
from ai_manager.catalog.models import Model
from ai_manager.catalog.state import unavailable
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.models import ModelEntry, ModelPins, ModelState, Origin, PinConfirmation, ProposedPin, Proposer


async def confirm_pin(db: Session, name: str, request: PinConfirmation) -> Model:
    """Returns the entry with its hash; the same hash again changes nothing, another one is refused."""
    model = await _find(db, name, request.version, lock=True)
    if model.sha256 == request.sha256:
        return model
    if model.sha256 is not None:
        raise ModelImmutable(
            f"{name} {request.version} is pinned to {model.sha256} already", name=name, sha256=model.sha256
        )
    entry = ModelEntry.model_validate(model.entry)
    held_bytes = await queries.held_bytes(db, request.sha256)
    reason = unavailable(entry, held=held_bytes is not None, unpinned=True)
    if reason is None and entry.spec is None:
        reason = f"the catalogue does not say how {name} is run: `trapper models add FILE --name …`"
    if reason is not None:
        raise ModelNotReady(reason, model=name)
    proposed = {
        proposal.size_bytes
        for proposal in await queries_pins.proposals(db, model.id)
        if proposal.sha256 == request.sha256
    }
    size_bytes = request.size_bytes or (proposed.pop() if len(proposed) == 1 else None)
    pinned = entry.model_copy(update={"sha256": request.sha256, "size_bytes": size_bytes or entry.size_bytes})
    model.sha256, model.entry = request.sha256, pinned.model_dump(mode="json")
    model.state, model.origin, model.held_bytes = ModelState.PUBLISHED, Origin.OPERATOR, held_bytes
    await db.flush()
    log("model.pinned", name=name, version=request.version, sha256=request.sha256)
    return model


async def read_pins(db: Session, name: str, version: str) -> ModelPins:
    """Returns the confirmed and the proposed hashes of an entry."""
    model = await _find(db, name, version)
    by_hash: dict[str, ProposedPin] = {}
    for proposal in await queries_pins.proposals(db, model.id):
        seen = by_hash.setdefault(
            proposal.sha256, ProposedPin(sha256=proposal.sha256, size_bytes=proposal.size_bytes, workers=[])
        )
        seen.workers.append(
            Proposer(worker_id=proposal.worker_id, name=proposal.worker_name, proposed_at=proposal.proposed_at)
        )
    return ModelPins(name=name, version=version, sha256=model.sha256, proposals=list(by_hash.values()))


async def _find(db: Session, name: str, version: str, *, lock: bool = False) -> Model:
    model = await queries.by_name(db, name, version, lock=lock)
    if model is None:
        raise ModelNotFound(f"there is no {name} {version} in use; `trapper models list` shows all", name=name)
    return model
