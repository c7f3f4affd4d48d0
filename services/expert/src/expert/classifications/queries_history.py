"""Statements about former versions of people's rows, and about approvals."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from expert.classifications.models import Approval, Classification, ClassificationVersion
from expert.observations.build_reply import build_reply
from expert.observations.queries import Named
from trapper_kit.db import Session


async def keep_version(db: Session, row: Classification, observations: Sequence[Named]) -> None:
    """Keep a row as it is now; called before each edit, with the row locked."""
    db.add(
        ClassificationVersion(
            classification_id=row.id,
            version=row.version,
            author_id=row.edited_by_id or row.owner_id,
            written_at=row.updated_at,
            static_attributes=row.static_attributes,
            observations=[build_reply(observation, name).model_dump(mode="json") for observation, name in observations],
        )
    )
    await db.flush()


async def end_approval(db: Session, final_id: UUID, *, by: UUID, now: datetime) -> None:
    """The current approval of a resource ends, if there is one."""
    await db.execute(
        update(Approval)
        .where(Approval.final_classification_id == final_id, Approval.ended_at.is_(None))
        .values(ended_by_id=by, ended_at=now)
    )


async def begin_approval(db: Session, final_id: UUID, classification_id: UUID, *, by: UUID, now: datetime) -> None:
    """A row is approved; the former approval of its resource ends."""
    await end_approval(db, final_id, by=by, now=now)
    db.add(
        Approval(
            final_classification_id=final_id, classification_id=classification_id, approved_by_id=by, approved_at=now
        )
    )
    await db.flush()


async def last_ended_by(db: Session, final_id: UUID) -> UUID | None:
    """Who ended the newest approval of a resource that ended."""
    statement = (
        select(Approval.ended_by_id)
        .where(Approval.final_classification_id == final_id, Approval.ended_at.is_not(None))
        .order_by(Approval.ended_at.desc(), Approval.id.desc())
        .limit(1)
    )
    return await db.scalar(statement)


async def approvals_of(db: Session, final_id: UUID) -> dict[UUID, list[Approval]]:
    """Every approval that a resource ever had, by the approved row, oldest first."""
    statement = (
        select(Approval).where(Approval.final_classification_id == final_id).order_by(Approval.approved_at, Approval.id)
    )
    approvals: defaultdict[UUID, list[Approval]] = defaultdict(list)
    for approval in await db.scalars(statement):
        approvals[approval.classification_id].append(approval)
    return approvals


async def versions_of(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[ClassificationVersion]]:
    """The former versions of each row, oldest first."""
    statement = (
        select(ClassificationVersion)
        .where(ClassificationVersion.classification_id.in_(classification_ids))
        .order_by(ClassificationVersion.version)
    )
    versions: defaultdict[UUID, list[ClassificationVersion]] = defaultdict(list)
    for version in await db.scalars(statement):
        versions[version.classification_id].append(version)
    return versions
