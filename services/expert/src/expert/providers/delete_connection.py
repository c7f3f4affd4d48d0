"""Delete the connection of a Manager; one that jobs came from stays as an inactive row without its credential."""

from uuid import UUID

from expert.audit.note import note
from expert.providers import queries
from trapper_kit.db import IntegrityError, Session


async def delete_connection(db: Session, connection_id: UUID, *, by: UUID) -> bool:
    """Whether there was such a connection; its models can be chosen no more."""
    connection = await queries.lock_connection(db, connection_id)
    if connection is None:
        return False
    note(db, "disconnected", actor_id=by, subject_kind="ai_provider_connection", subject_id=connection_id)
    try:
        async with db.begin_nested():
            await queries.delete_connection(db, connection_id)
    except IntegrityError:
        await db.refresh(connection)
        connection.is_active = False
        connection.name = f"{connection.name} (deleted {connection_id})"
        connection.encrypted_credential, connection.encrypted_notifications_url = "", None
        await queries.deactivate(db, {row.id for row in await queries.providers_of(db, connection_id)})
        await db.flush()
    return True
