"""Statements about the description of stored files: claims, records, and times of file names."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Uuid,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from expert.capture_times.state import OffsetSource
from expert.deployments.models import Deployment
from expert.resources.models import Resource
from expert.resources.queries import STORED
from expert.resources.state import ResourceState
from trapper_kit.db import Session, db_clock
from trapper_kit.pictures.read_time import TimeSource


class Folder(NamedTuple):
    """The files of a research project that lie in one folder of the card."""

    research_project_id: UUID
    print: str
    """Of its path, as `resources.folder_print`."""


_DESCRIBED = (
    "state",
    "kind",
    "media_type",
    "width",
    "height",
    "exif",
    "is_damaged",
    "thumbnail_key",
    "failure_code",
    "failure_message",
    "recorded_at",
    "time_source",
    "captured_at",
    "recorded_offset_seconds",
    "offset_source",
    "time_issue",
    "time_issue_message",
    "outside_deployment",
)
"""The columns that a description writes."""


async def claim_descriptions(
    db: Session, *, limit: int, is_first_attempt: bool, holds: timedelta
) -> Sequence[Resource]:
    """Take the description of stored resources; the attempt is the fence, and counts what killed a process."""
    free = (
        select(Resource.id)
        .where(
            Resource.state == STORED,
            or_(Resource.describe_claimed_until.is_(None), Resource.describe_claimed_until < db_clock()),
            Resource.describe_attempts == 0 if is_first_attempt else Resource.describe_attempts > 0,
        )
        .order_by(Resource.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Resource)
        .where(Resource.id.in_(free.scalar_subquery()))
        .values(describe_attempts=Resource.describe_attempts + 1, describe_claimed_until=db_clock() + holds)
        .returning(Resource)
    )
    return (await db.scalars(statement)).all()


async def renew_descriptions(db: Session, attempts: Sequence[tuple[UUID, int]], *, holds: timedelta) -> None:
    """Hold what is still claimed by these attempts for longer."""
    await db.execute(
        update(Resource)
        .where(Resource.state == STORED, tuple_(Resource.id, Resource.describe_attempts).in_(attempts))
        .values(describe_claimed_until=db_clock() + holds)
        .execution_options(synchronize_session=False)
    )


async def release_descriptions(db: Session, attempts: Sequence[tuple[UUID, int]], *, counts: bool) -> None:
    """Let another attempt begin; the present one, given with each id, counts when the file itself was at fault."""
    await db.execute(
        update(Resource)
        .where(Resource.state == STORED, tuple_(Resource.id, Resource.describe_attempts).in_(attempts))
        .values(describe_attempts=Resource.describe_attempts - (0 if counts else 1), describe_claimed_until=None)
        .execution_options(synchronize_session=False)
    )


async def record_descriptions(db: Session, rows: Sequence[Mapping[str, object]]) -> set[UUID]:
    """Write what was read, where the attempt is still the latest and the deployment still the same; the ids of those.

    A row has `id`, `attempt`, `claimed_deployment_id`, and columns of a description; an absent one becomes null.
    """
    columns = Resource.__table__.c
    given = (
        func.jsonb_to_recordset(literal(rows, JSONB))
        .table_valued(
            column("id", Uuid),
            column("attempt", Integer),
            column("claimed_deployment_id", Uuid),
            *(column(name, columns[name].type) for name in _DESCRIBED),
        )
        .render_derived(with_types=True)
    )
    statement = (
        update(Resource)
        .where(
            Resource.id == given.c.id,
            Resource.state == STORED,
            Resource.describe_attempts == given.c.attempt,
            Resource.deployment_id.is_not_distinct_from(given.c.claimed_deployment_id),
        )
        .values(
            describe_claimed_until=None,
            described_at=db_clock(),
            version=Resource.version + 1,
            **{name: given.c[name] for name in _DESCRIBED},
        )
        .returning(Resource.id)
        .execution_options(synchronize_session=False)
    )
    return set(await db.scalars(statement))


async def deployments_of(db: Session, resource_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """The deployment of each resource at present."""
    statement = select(Resource.id, Resource.deployment_id).where(Resource.id.in_(resource_ids))
    return {row[0]: row[1] for row in await db.execute(statement)}


def folder_of(resource: Resource) -> Folder:
    return Folder(resource.research_project_id, resource.folder_print)


async def hold_folders(db: Session, folders: Sequence[Folder]) -> None:
    """Keep others from describing files of these folders until the transaction ends; give them in their order."""
    for folder in folders:
        await hold(db, f"folder {folder.research_project_id} {folder.print}")


async def undescribed_folders(db: Session, folders: Sequence[Folder], *, besides: Sequence[UUID]) -> set[Folder]:
    """Those of the folders in which files other than the given ones wait for their description."""
    statement = (
        select(Resource.research_project_id, Resource.folder_print)
        .where(
            Resource.state == STORED,
            tuple_(Resource.research_project_id, Resource.folder_print).in_(folders),
            Resource.id.not_in(besides),
        )
        .distinct()
    )
    return {Folder(*row) for row in await db.execute(statement)}


async def hold_deployments(db: Session, folders: Sequence[Folder], deployment_ids: Collection[UUID | None]) -> None:
    """Keep these, and those of files whose names are read in the folders, from changing until the transaction ends."""
    named = select(Resource.deployment_id).where(
        *_named, tuple_(Resource.research_project_id, Resource.folder_print).in_(folders)
    )
    await db.execute(
        select(Deployment.id)
        .where(or_(Deployment.id.in_(named), Deployment.id.in_([id_ for id_ in deployment_ids if id_ is not None])))
        .order_by(Deployment.id)
        .with_for_update(read=True)
    )


async def hold_card(db: Session, deployment_id: UUID | None) -> None:
    """Keep others from inferring the order of files of the same deployment until the transaction ends."""
    await hold(db, f"card {deployment_id}")


async def hold(db: Session, name: str) -> None:
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


_named = (
    Resource.state == ResourceState.DESCRIBED,
    Resource.time_source.in_((TimeSource.NONE, TimeSource.FILENAME)),
)


async def named_in_folder(db: Session, folder: Folder) -> Sequence[Resource]:
    """Files of the folder whose time can only come from their names, locked."""
    statement = (
        select(Resource)
        .where(
            *_named,
            Resource.research_project_id == folder.research_project_id,
            Resource.folder_print == folder.print,
        )
        .order_by(Resource.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(statement)).all()


async def set_name_times(db: Session, times: Sequence[tuple[UUID, datetime | None]]) -> None:
    """Write times of file names, or take them back; `captured_at` is derived by the caller."""
    if not times:
        return
    given = select(
        func.unnest(literal([id_ for id_, _ in times], ARRAY(Uuid))).label("id"),
        func.unnest(literal([time for _, time in times], ARRAY(DateTime(timezone=False)))).label("time"),
    ).subquery()
    statement = (
        update(Resource)
        .where(Resource.id == given.c.id)
        .values(
            recorded_at=given.c.time,
            time_source=case(
                (given.c.time.is_(None), literal(TimeSource.NONE, Resource.time_source.type)),
                else_=literal(TimeSource.FILENAME, Resource.time_source.type),
            ),
            captured_at=func.coalesce(Resource.time_override, func.timezone("UTC", given.c.time)),
            time_issue=None,
            time_issue_message=None,
            offset_source=OffsetSource.NONE,
            recorded_offset_seconds=None,
        )
        .execution_options(synchronize_session=False)
    )
    await db.execute(statement)


async def any_undescribed(db: Session, research_project_id: UUID) -> bool:
    statement = select(exists().where(Resource.state == STORED, Resource.research_project_id == research_project_id))
    return bool(await db.scalar(statement))
