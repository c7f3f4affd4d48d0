"""Read each Manager's catalogue and make its models choosable: providers, algorithms, labels and their taxa."""

from dataclasses import dataclass, field
from uuid import UUID

from expert.algorithms.add_partition import ensure_partition
from expert.algorithms.register import register_algorithm
from expert.deps import ExpertWork
from expert.providers import queries
from expert.providers.models import AiProvider, AiProviderConnection
from expert.providers.open_connection import open_connection
from trapper_kit.db import REFUSED_BY_DATABASE, Session, enqueue_after_commit, is_away
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_kit.text import clean
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import Availability, BlockedModel, ModelKind, ModelReply

_PUBLISHED = "published"


@dataclass(frozen=True)
class Unresolved:
    """A label that names nothing that is known here; it stays a label."""

    model: str
    label: str


@dataclass(frozen=True)
class FeaturesNotStored:
    """A model whose features cannot be stored, so that it is no embedding model, and why."""

    model: str
    reason: str


@dataclass
class SyncReport:
    """What one connection's catalogue changed."""

    connection: str
    models: int = 0
    added: list[str] = field(default_factory=list[str])
    deactivated: list[str] = field(default_factory=list[str])
    unresolved: list[Unresolved] = field(default_factory=list[Unresolved])
    features_not_stored: list[FeaturesNotStored] = field(default_factory=list[FeaturesNotStored])
    problem: str | None = None


async def sync_ai_models(work: ExpertWork) -> list[SyncReport]:
    """Every active connection; one that does not answer is reported, and the others go on."""
    async with work.db() as db:
        connections = await queries.active_connections(db)
    return [await _sync(work, connection) for connection in connections]


async def _sync(work: ExpertWork, connection: AiProviderConnection) -> SyncReport:
    report = SyncReport(connection=connection.name)
    try:
        manager = open_connection(work, connection)
        models, blocked = await manager.models(), await manager.blocked_models()
        async with work.db() as db:
            row = await queries.lock_connection(db, connection.id)  # two syncs at once: one after the other
            if row is None:
                return report
            await _record(db, row, models, report)
            await _note_blocked(db, row, blocked)
            row.synced_at = work.clock.now()
            row.sync_problem = None
            enqueue_after_commit(db, "jobs.cover")
    except Problem as problem:
        return await _failed(work, connection, problem.detail or problem.title)
    except REFUSED_BY_DATABASE as problem:
        if is_away(problem):
            raise
        log("sync.refused", connection=connection.id, error=problem)
        return await _failed(work, connection, "the catalogue holds values that cannot be stored")
    return report


async def refresh_blocked(work: ExpertWork) -> None:
    """Read again from every Manager which models no worker can run; one that does not answer is left as it was."""
    async with work.db() as db:
        connections = await queries.active_connections(db)
    for connection in connections:
        try:
            blocked = await open_connection(work, connection).blocked_models()
        except Problem as problem:
            log("providers.not_read", connection=connection.id, problem=problem.type, detail=problem.detail)
            continue
        async with work.db() as db:
            await _note_blocked(db, connection, blocked)


async def _note_blocked(db: Session, connection: AiProviderConnection, blocked: list[BlockedModel]) -> None:
    reasons = {(model.name, model.version): model.blocked.model_dump(mode="json") for model in blocked}
    await queries.note_blocked(db, connection.id, reasons)


async def _failed(work: ExpertWork, connection: AiProviderConnection, reason: str) -> SyncReport:
    async with work.db() as db:
        row = await queries.lock_connection(db, connection.id)
        if row is not None:
            row.sync_problem = clean(reason)
    return SyncReport(connection=connection.name, problem=reason)


async def _record(db: Session, connection: AiProviderConnection, models: list[ModelReply], report: SyncReport) -> None:
    before = {(row.name, row.version): row for row in await queries.providers_of(db, connection.id)}
    for model in models:
        algorithm_id, unresolved, dimension = None, (), None
        if model.kind is not ModelKind.POSE and model.availability is Availability.READY:
            registered = await register_algorithm(db, model)
            algorithm_id, unresolved = registered.algorithm_id, registered.unresolved
            dimension = await _store_features(db, model, algorithm_id, report)
        await _keep(db, connection.id, model, algorithm_id, dimension)
        report.models += 1
        report.unresolved += [Unresolved(model.name, label) for label in unresolved]
        if (model.name, model.version) not in before:
            report.added.append(model.name)
    listed = {(model.name, model.version) for model in models}
    gone: list[AiProvider] = [row for key, row in before.items() if key not in listed and row.is_active]
    await queries.deactivate(db, {row.id for row in gone})
    report.deactivated = [row.name for row in gone]


async def _store_features(db: Session, model: ModelReply, algorithm_id: UUID, report: SyncReport) -> int | None:
    """The number of features that are stored of each object, or None for a model without, or with unfit ones."""
    if model.spec is None or model.spec.embedding is None:
        return None
    reason = await ensure_partition(db, algorithm_id, model.spec.embedding.dimension)
    if reason is not None:
        report.features_not_stored.append(FeaturesNotStored(model.name, reason))
        return None
    return model.spec.embedding.dimension


async def _keep(
    db: Session, connection_id: UUID, model: ModelReply, algorithm_id: UUID | None, dimension: int | None
) -> None:
    spec = model.spec
    runnable = model.availability is Availability.READY and spec is not None and model.kind is not ModelKind.POSE
    await queries.keep_provider(
        db,
        {
            "id": uuid7(),
            "provider_type": model.kind,
            "connection_id": connection_id,
            "algorithm_id": algorithm_id,
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            "is_unpinned": model.sha256 is None,
            "availability": model.availability.value,
            "threshold_typical": spec.thresholds.typical if spec else None,
            "threshold_conservative": spec.thresholds.conservative if spec else None,
            "nms_iou": spec.nms_iou if spec else None,
            "embedding_dimension": dimension,
            "licence": model.licence,
            "description": model.description,
            "is_active": runnable and model.state == _PUBLISHED,
        },
    )
