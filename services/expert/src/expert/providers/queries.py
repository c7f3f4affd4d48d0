"""Statements about connections and providers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from expert.providers.models import AiProvider, AiProviderConnection
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of
from trapper_schemas.v1.models import ModelKind


async def list_connections(
    db: Session, page_request: PageRequest, *, ids: Sequence[UUID] | None, name: str | None
) -> Sequence[AiProviderConnection]:
    statement = select(AiProviderConnection)
    if name is not None:
        statement = statement.where(has_part(AiProviderConnection.name, name))
    return (await db.scalars(page_of(statement, [AiProviderConnection.id], page_request, [UUID], ids=ids))).all()


async def active_connections(db: Session) -> Sequence[AiProviderConnection]:
    statement = select(AiProviderConnection).where(AiProviderConnection.is_active).order_by(AiProviderConnection.id)
    return (await db.scalars(statement)).all()


async def connection_by_name(db: Session, name: str) -> AiProviderConnection | None:
    statement = select(AiProviderConnection).where(func.lower(AiProviderConnection.name) == name.lower())
    return await db.scalar(statement.with_for_update())


async def lock_connection(db: Session, connection_id: UUID) -> AiProviderConnection | None:
    return await db.get(AiProviderConnection, connection_id, with_for_update=True)


async def providers_of(db: Session, connection_id: UUID) -> Sequence[AiProvider]:
    return (await db.scalars(select(AiProvider).where(AiProvider.connection_id == connection_id))).all()


async def list_providers(
    db: Session,
    page_request: PageRequest,
    *,
    ids: Sequence[UUID] | None,
    provider_type: ModelKind | None,
    name: str | None,
    is_active: bool | None,
) -> Sequence[AiProvider]:
    statement = select(AiProvider)
    if provider_type is not None:
        statement = statement.where(AiProvider.provider_type == provider_type)
    if name is not None:
        statement = statement.where(has_part(AiProvider.name, name))
    if is_active is not None:
        statement = statement.where(AiProvider.is_active == is_active)
    return (await db.scalars(page_of(statement, [AiProvider.id], page_request, [UUID], ids=ids))).all()


async def by_ids(db: Session, ids: set[UUID]) -> dict[UUID, AiProvider]:
    return {row.id: row for row in await db.scalars(select(AiProvider).where(AiProvider.id.in_(ids)))}


async def with_connections(db: Session, ids: set[UUID]) -> list[tuple[AiProvider, AiProviderConnection]]:
    """These providers, each with the connection that it belongs to."""
    statement = (
        select(AiProvider, AiProviderConnection)
        .join(AiProviderConnection, AiProviderConnection.id == AiProvider.connection_id)
        .where(AiProvider.id.in_(ids))
    )
    return [(provider, connection) for provider, connection in await db.execute(statement)] if ids else []


async def keep_provider(db: Session, values: dict[str, Any]) -> None:
    """Make or change the provider of (connection, name, version)."""
    made = insert(AiProvider).values(**values)
    keys = {"connection_id", "name", "version"}
    changed = {name: made.excluded[name] for name in values if name not in {*keys, "id"}}
    await db.execute(made.on_conflict_do_update(index_elements=sorted(keys), set_=changed))


async def note_blocked(db: Session, connection_id: UUID, blocked: dict[tuple[str, str], dict[str, str]]) -> None:
    """Store why no worker can run models, by name and version; only what changed is written."""
    for row in await providers_of(db, connection_id):
        reason = blocked.get((row.name, row.version))
        if reason != row.blocked:
            row.blocked = reason


async def deactivate(db: Session, ids: set[UUID]) -> None:
    await db.execute(update(AiProvider).where(AiProvider.id.in_(ids)).values(is_active=False))


async def delete_connection(db: Session, connection_id: UUID) -> None:
    """With its providers; raises IntegrityError while something was done with them."""
    await db.execute(delete(AiProvider).where(AiProvider.connection_id == connection_id))
    await db.execute(delete(AiProviderConnection).where(AiProviderConnection.id == connection_id))
