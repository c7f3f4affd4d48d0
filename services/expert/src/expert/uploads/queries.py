"""Statements about uploads."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from expert.deployments.models import Deployment
from expert.media_store import identity_of_key
from expert.resources.models import Resource
from expert.uploads.models import Upload
from expert.uploads.state import UploadState
from trapper_kit.db import Session, db_clock, state_type

OPEN = literal(UploadState.OPEN, state_type(UploadState), literal_execute=True)  # a partial index must see it


async def deployments_of(db: Session, research_project_id: UUID, ids: set[UUID]) -> dict[UUID, bool]:
    """Those of the ids that are deployments of the research project, and whether they are active."""
    statement = select(Deployment.id, Deployment.is_active).where(
        Deployment.research_project_id == research_project_id, Deployment.id.in_(ids)
    )
    return {row[0]: row[1] for row in await db.execute(statement)}


async def open_all(db: Session, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], UUID]:
    """Open uploads by (sha256, path_print); announcing a file again updates the upload that is open."""
    if not rows:
        return {}
    made = insert(Upload).values(list(rows))
    statement = made.on_conflict_do_update(
        index_elements=["collection_id", "created_by", "sha256", "path_print"],
        index_where=Upload.state == OPEN,
        set_={name: made.excluded[name] for name in ("deployment_id", "file_name", "size_bytes")},
    ).returning(Upload.sha256, Upload.path_print, Upload.id)
    return {(row[0], row[1]): row[2] for row in await db.execute(statement)}


async def with_resources(db: Session, upload_ids: Sequence[UUID]) -> dict[UUID, tuple[Upload, UUID | None]]:
    """Uploads, each with the resource that has its bytes already; one whose original was lost has not."""
    statement = (
        select(Upload, Resource.id)
        .outerjoin(
            Resource,
            (Resource.research_project_id == Upload.research_project_id)
            & (Resource.sha256 == Upload.sha256)
            & ~((Resource.generation == 0) & Resource.object_missing_at.is_not(None)),
        )
        .where(Upload.id.in_(upload_ids))
    )
    return {row[0].id: (row[0], row[1]) for row in await db.execute(statement)}


async def close(db: Session, finished: Mapping[UUID, UUID]) -> None:
    """Close uploads; each is given with its resource."""
    given = select(
        func.unnest(literal(list(finished), ARRAY(Uuid))).label("id"),
        func.unnest(literal(list(finished.values()), ARRAY(Uuid))).label("resource_id"),
    ).subquery()
    await db.execute(
        update(Upload)
        .where(Upload.id == given.c.id, Upload.state == OPEN)
        .values(state=UploadState.FINISHED, resource_id=given.c.resource_id, finished_at=db_clock())
        .execution_options(synchronize_session=False)
    )


async def expire(db: Session, *, older_than: timedelta) -> None:
    await db.execute(
        update(Upload)
        .where(Upload.state == OPEN, Upload.created_at < db_clock() - older_than)
        .values(state=UploadState.EXPIRED)
    )


async def set_deployments_where_unknown(db: Session, deployments: dict[UUID, UUID]) -> list[UUID]:
    """Give resources that have no deployment theirs; the ids of those that had none."""
    without = select(Resource.id).where(Resource.id.in_(deployments), Resource.deployment_id.is_(None))
    held = (await db.scalars(without.order_by(Resource.id).with_for_update())).all()  # in one order: no deadlock
    if held:
        given = select(
            func.unnest(literal(held, ARRAY(Uuid))).label("id"),
            func.unnest(literal([deployments[resource_id] for resource_id in held], ARRAY(Uuid))).label(
                "deployment_id"
            ),
        ).subquery()
        await db.execute(
            update(Resource)
            .where(Resource.id == given.c.id)
            .values(deployment_id=given.c.deployment_id, version=Resource.version + 1)
            .execution_options(synchronize_session=False)
        )
    return list(held)


async def hold_new(db: Session) -> None:
    """Keep new uploads waiting until the end of the transaction."""
    await db.execute(text("lock table uploads in share row exclusive mode"))


async def unfinished_objects(db: Session, keys: Sequence[str], *, since: datetime) -> set[str]:
    """Those of the keys whose bytes an unfinished upload announced after that moment, so that they may yet come."""
    identities = {identity_of_key(key) for key in keys}
    statement = select(Upload.research_project_id, Upload.sha256).where(
        tuple_(Upload.research_project_id, Upload.sha256).in_(identities),
        Upload.state != UploadState.FINISHED,
        Upload.created_at > since,
    )
    return {key for row in await db.execute(statement) for key in keys if identity_of_key(key) == (row[0], row[1])}
