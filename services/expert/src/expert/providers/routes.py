"""Connections to Managers, their models as providers, and reading their catalogues anew."""

from uuid import UUID

from fastapi import APIRouter, status

from expert.access.guards import MayAdministerSite, MayRead
from expert.algorithms import queries as algorithms
from expert.algorithms.models import Algorithm
from expert.algorithms.state import LabelReply
from expert.deps import Db, Work
from expert.providers import queries
from expert.providers.connect_manager import connect_manager
from expert.providers.delete_connection import delete_connection
from expert.providers.errors import ConnectionNameTaken
from expert.providers.models import AiProvider, AiProviderConnection
from expert.providers.schemas import (
    ConnectionReply,
    ConnectionSync,
    ConnectionSyncs,
    FeaturesNotStored,
    ManagerConnection,
    ProviderDetail,
    ProviderReply,
    UnresolvedLabel,
)
from expert.providers.sync_ai_models import sync_ai_models
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit, Name
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import ModelKind

router = APIRouter(prefix="/api", tags=["providers"])


def _connection(row: AiProviderConnection) -> ConnectionReply:
    return ConnectionReply(
        id=row.id,
        name=row.name,
        url=row.url,
        is_active=row.is_active,
        has_notifications=row.encrypted_notifications_url is not None,
        created_at=row.created_at,
        synced_at=row.synced_at,
        sync_problem=row.sync_problem,
    )


@router.put("/ai-provider-connections/", status_code=status.HTTP_200_OK, responses=problems(ConnectionNameTaken))
async def connect(ask: ManagerConnection, caller: MayAdministerSite, db: Db, work: Work) -> ConnectionReply:
    """Connect a Manager under a name; the same name again changes its address and credential."""
    row = await connect_manager(
        db,
        work.settings,
        name=ask.name,
        url=ask.url,
        credential=ask.credential.get_secret_value(),
        notifications_url=ask.notifications_url.get_secret_value() if ask.notifications_url else None,
        by=caller.id,
    )
    return _connection(row)


@router.get("/ai-provider-connections/")
async def list_connections(
    _caller: MayAdministerSite,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Name = None,
) -> Page[ConnectionReply]:
    """List the connected Managers."""
    page_request = PageRequest.of(limit, cursor, {"id": id, "name": name})
    rows = await queries.list_connections(db, page_request, ids=id, name=name)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_connection(row) for row in items], next_cursor=following)


@router.delete(
    "/ai-provider-connections/{connection_id}/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotFound)
)
async def disconnect(connection_id: UUID, caller: MayAdministerSite, db: Db) -> None:
    """Delete a connection and its credential; what was done with its models stays."""
    if not await delete_connection(db, connection_id, by=caller.id):
        raise NotFound("there is no such connection")


@router.post("/ai-providers/sync/")
async def sync(_caller: MayAdministerSite, work: Work) -> ConnectionSyncs:
    """Read every Manager's catalogue now; tells which labels it could not resolve."""
    reports = await sync_ai_models(work)
    return ConnectionSyncs(
        items=[
            ConnectionSync(
                connection=report.connection,
                models=report.models,
                added=report.added,
                deactivated=report.deactivated,
                unresolved=[UnresolvedLabel(model=row.model, label=row.label) for row in report.unresolved],
                features_not_stored=[
                    FeaturesNotStored(model=row.model, reason=row.reason) for row in report.features_not_stored
                ],
                problem=report.problem,
            )
            for report in reports
        ]
    )


@router.get("/ai-providers/")
async def list_providers(
    _caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    provider_type: ModelKind | None = None,
    name: Name = None,
    is_active: bool | None = None,
) -> Page[ProviderReply]:
    """List the models that projects may choose."""
    page_request = PageRequest.of(
        limit, cursor, {"id": id, "type": provider_type, "name": name, "is_active": is_active}
    )
    rows = await queries.list_providers(
        db, page_request, ids=id, provider_type=provider_type, name=name, is_active=is_active
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[ProviderReply.model_validate(row, from_attributes=True) for row in items], next_cursor=following)


@router.get("/ai-providers/{provider_id}/", responses=problems(NotFound))
async def read_provider(provider_id: UUID, _caller: MayRead, db: Db) -> ProviderDetail:
    """Read one model with what its labels mean."""
    row = await db.get(AiProvider, provider_id)
    if row is None:
        raise NotFound("there is no such provider")
    algorithm = await db.get(Algorithm, row.algorithm_id) if row.algorithm_id else None
    map_id = algorithm.category_map_id if algorithm else None
    labels = await algorithms.labels_of(db, map_id) if map_id else []
    provider = ProviderReply.model_validate(row, from_attributes=True)
    categories = [LabelReply.model_validate(label, from_attributes=True) for label in labels]
    return ProviderDetail(**provider.model_dump(), categories=categories)
