"""An operator says which weights an unpinned entry has; from then on it is immutable under that hash."""

from ai_manager.catalog import queries, queries_pins
from ai_manager.catalog.errors import ModelImmutable, ModelNotFound, ModelNotReady
from ai_manager.catalog.models import Model
from ai_manager.catalog.state import ModelState, Origin, unavailable
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.models import ConfirmPin, ModelEntry, ModelPins, ProposedPin, Proposer


async def confirm_pin(db: Session, name: str, asked: ConfirmPin) -> Model:
    """The entry with its hash; the same hash again changes nothing, another one is refused."""
    model = await _find(db, name, asked.version, lock=True)
    if model.sha256 == asked.sha256:
        return model
    if model.sha256 is not None:
        raise ModelImmutable(
            f"{name} {asked.version} is pinned to {model.sha256} already", name=name, sha256=model.sha256
        )
    entry = ModelEntry.model_validate(model.entry)
    held_bytes = await queries.held_bytes(db, asked.sha256)
    reason = unavailable(entry, held=held_bytes is not None, unpinned=True)
    if reason is None and entry.spec is None:
        reason = f"nobody said how {name} is run: `trapper models add FILE --name …`"
    if reason is not None:
        raise ModelNotReady(reason, model=name)
    proposed = {one.size_bytes for one in await queries_pins.proposals(db, model.id) if one.sha256 == asked.sha256}
    size_bytes = asked.size_bytes or (proposed.pop() if len(proposed) == 1 else None)
    pinned = entry.model_copy(update={"sha256": asked.sha256, "size_bytes": size_bytes or entry.size_bytes})
    model.sha256, model.entry = asked.sha256, pinned.model_dump(mode="json")
    model.state, model.origin, model.held_bytes = ModelState.PUBLISHED, Origin.OPERATOR, held_bytes
    await db.flush()
    log("model.pinned", name=name, version=asked.version, sha256=asked.sha256)
    return model


async def read_pins(db: Session, name: str, version: str) -> ModelPins:
    """What is known of the weights of an entry."""
    model = await _find(db, name, version)
    by_hash: dict[str, ProposedPin] = {}
    for one in await queries_pins.proposals(db, model.id):
        seen = by_hash.setdefault(one.sha256, ProposedPin(sha256=one.sha256, size_bytes=one.size_bytes, workers=[]))
        seen.workers.append(Proposer(worker_id=one.worker_id, name=one.worker_name, proposed_at=one.proposed_at))
    return ModelPins(name=name, version=version, sha256=model.sha256, proposals=list(by_hash.values()))


async def _find(db: Session, name: str, version: str, *, lock: bool = False) -> Model:
    model = await queries.by_name(db, name, version, lock=lock)
    if model is None:
        raise ModelNotFound(f"there is no {name} {version} in use; `trapper models list` shows all", name=name)
    return model
