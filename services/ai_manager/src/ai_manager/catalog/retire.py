"""Retires a version: running jobs go on, new ones are refused, and the weights stay for old results."""

from ai_manager.catalog import queries
from ai_manager.catalog.errors import ModelImmutable, ModelNotFound
from ai_manager.catalog.models import Model
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.models import ModelState, Origin


async def retire_model(db: Session, name: str, version: str) -> Model:
    """Retires the version; a later sync leaves it retired."""
    model = await queries.by_name(db, name, version, lock=True)
    if model is None:
        model = await queries.last_retired(db, name, version)
        if model is None:
            raise ModelNotFound(f"there is no {name} {version}; `trapper models list` shows all", name=name)
        return model
    model.state, model.origin = ModelState.RETIRED, Origin.OPERATOR
    await db.flush()
    log("model.retired", name=name, version=version, sha256=model.sha256)
    return model


async def restore_model(db: Session, name: str, version: str) -> Model:
    """Returns a retired version to use; refused when another one has its name now."""
    retired = await queries.last_retired(db, name, version)
    model = await queries.by_name(db, name, version)
    if retired is None:
        if model is None:
            raise ModelNotFound(f"no operator retired {name} {version}", name=name)
        return model
    if model is not None:
        raise ModelImmutable(f"another {name} {version} is in use; retire that one first", name=name, version=version)
    can_be_had = bool(retired.entry["sources"]) or retired.held
    retired.state = ModelState.PUBLISHED if can_be_had else ModelState.DRAFT
    await db.flush()
    log("model.restored", name=name, version=version, sha256=retired.sha256)
    return retired
