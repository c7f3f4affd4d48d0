"""The client of one connection's Manager, with its credential opened."""

from expert.deps import ExpertWork
from expert.manager_client import ManagerClient
from expert.providers.models import AiProviderConnection
from expert.providers.seal import unseal


def open_connection(work: ExpertWork, connection: AiProviderConnection) -> ManagerClient:
    """Kept open by this process; raises CredentialUnreadable."""
    return work.managers.client(connection.url, unseal(work.settings, connection.encrypted_credential))
