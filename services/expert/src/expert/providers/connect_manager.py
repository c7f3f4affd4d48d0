"""Note a Manager's address and credential, encrypted; connecting the same name again changes them."""

from uuid import UUID

from expert.access.make_once import keep
from expert.audit.note import note
from expert.providers import queries
from expert.providers.errors import ConnectionNameTaken
from expert.providers.models import AiProviderConnection
from expert.providers.seal import seal
from expert.settings import ExpertSettings
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7


async def connect_manager(
    db: Session,
    settings: ExpertSettings,
    *,
    name: str,
    url: str,
    credential: str,
    notifications_url: str | None,
    by: UUID | None,
) -> AiProviderConnection:
    """Safe to repeat; the credential is never shown again."""
    connection = await queries.connection_by_name(db, name)
    if connection is None:
        connection = AiProviderConnection(id=uuid7(), name=name, created_by=by)
    connection.url = url.rstrip("/")
    connection.encrypted_credential = seal(settings, credential)
    connection.encrypted_notifications_url = seal(settings, notifications_url) if notifications_url else None
    connection.is_active = True
    taken = ConnectionNameTaken(f"there is already a connection named {name!r}")
    await keep(db, connection, taken={"ai_provider_connections_name_key": taken})
    note(db, "connected", actor_id=by, subject_kind="ai_provider_connection", subject_id=connection.id)
    return connection
