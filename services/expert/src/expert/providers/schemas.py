"""Bodies of connections and providers."""

from datetime import datetime
from uuid import UUID

from pydantic import Field, SecretStr, field_validator

from expert.algorithms.state import LabelReply
from trapper_kit.text import Name
from trapper_schemas.base import Reply, Request
from trapper_schemas.blocked import Blocked
from trapper_schemas.urls import REDIS, BaseAddress, check_url
from trapper_schemas.v1.models import Availability, ModelKind


class ManagerConnection(Request):
    name: Name = Field(max_length=100)
    url: BaseAddress = Field(max_length=1000, pattern=r"^https?://[^\s?#@]+$")
    credential: SecretStr = Field(min_length=1, max_length=1000)
    notifications_url: SecretStr | None = Field(default=None, max_length=1000)

    @field_validator("notifications_url", mode="after")
    @classmethod
    def _redis_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_url(url.get_secret_value(), schemes=REDIS, credentials=True)
        return url


class ConnectionReply(Reply):
    """Never with its credential."""

    id: UUID
    name: str
    url: str
    is_active: bool
    has_notifications: bool
    created_at: datetime
    synced_at: datetime | None
    sync_problem: str | None


class ProviderReply(Reply):
    id: UUID
    provider_type: ModelKind
    connection_id: UUID
    algorithm_id: UUID | None
    name: str
    version: str
    sha256: str | None
    is_unpinned: bool
    availability: Availability
    threshold_typical: float | None
    threshold_conservative: float | None
    nms_iou: float | None
    embedding_dimension: int | None
    licence: str
    description: str
    is_active: bool
    blocked: Blocked | None = Field(description="why no enrolled worker can run it; null when one can")


class ProviderDetail(ProviderReply):
    """With its labels in index order."""

    categories: list[LabelReply]


class UnresolvedLabel(Reply):
    model: str
    label: str


class FeaturesNotStored(Reply):
    """A model whose features cannot be stored, and why; it cannot be chosen as embedding model."""

    model: str
    reason: str


class ConnectionSync(Reply):
    connection: str
    models: int
    added: list[str]
    deactivated: list[str]
    unresolved: list[UnresolvedLabel]
    features_not_stored: list[FeaturesNotStored]
    problem: str | None


class ConnectionSyncs(Reply):
    items: list[ConnectionSync]
