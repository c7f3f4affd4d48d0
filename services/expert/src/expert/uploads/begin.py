"""Promise files by name, size and sha256; what the research project has already is answered at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.classification_projects.link_collection import add_to_links
from expert.collections import queries as collections
from expert.collections.add_resources import NamedResource, add_resources, path_print
from expert.research_projects.request import require_active
from expert.resources import queries as resources
from expert.resources.models import Resource
from expert.uploads import queries
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.problems import Invalid, NotFound
from trapper_schemas.ids import uuid7
from trapper_schemas.problem import FieldError


@dataclass(frozen=True)
class Announced:
    """One file as its sender describes it."""

    name: str
    path: str
    size_bytes: int
    sha256: str
    deployment_id: UUID | None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one promise."""
        return self.sha256, path_print(self.full_path)

    @property
    def full_path(self) -> str:
        """A file without a path lies under its name."""
        return self.path or self.name


@dataclass(frozen=True)
class Begun:
    """Either the resource that is there, or the upload that waits for the bytes."""

    sha256: str
    upload_id: UUID | None
    resource_id: UUID | None


async def begin_uploads(
    db: Session,
    caller: Caller,
    *,
    research_project_id: UUID,
    collection_id: UUID,
    files: Sequence[Announced],
    upload_max_bytes: int,
) -> list[Begun]:
    """In the order of the files; raises NotFound, Forbidden, ProjectNotActive, Invalid (naming the item)."""
    await require(db, caller, Capability.UPLOAD, research_project=research_project_id)
    await require_active(db, research_project_id)
    if not await collections.is_of(db, collection_id, research_project_id):
        raise NotFound("there is no such collection in this research project")
    await _check(db, research_project_id, files, upload_max_bytes)
    there = await resources.by_sha256(db, research_project_id, [one.sha256 for one in files])
    await _add_existing(db, research_project_id, collection_id, there, files)
    missing = [one for one in files if one.sha256 not in there]
    rows = {
        one.key: {
            "id": uuid7(),
            "research_project_id": research_project_id,
            "collection_id": collection_id,
            "deployment_id": one.deployment_id,
            "created_by": caller.id,
            "file_name": one.name,
            "path": one.full_path,
            "path_print": one.key[1],
            "size_bytes": one.size_bytes,
            "sha256": one.sha256,
        }
        for one in missing
    }
    opened = await queries.open_all(db, [rows[key] for key in sorted(rows)])
    return [
        Begun(one.sha256, None, there[one.sha256].id)
        if one.sha256 in there
        else Begun(one.sha256, opened[one.key], None)
        for one in files
    ]


async def _check(db: Session, research_project_id: UUID, files: Sequence[Announced], most: int) -> None:
    named = {one.deployment_id for one in files if one.deployment_id is not None}
    known = await queries.deployments_of(db, research_project_id, named) if named else set[UUID]()
    errors: list[FieldError] = []
    for index, one in enumerate(files):
        if one.deployment_id is not None and one.deployment_id not in known:
            message = "is not a deployment of this research project"
            errors.append(FieldError(loc=["body", "items", index, "deployment_id"], code="unknown", message=message))
        if one.size_bytes > most:
            message = f"is larger than the {most} bytes that are taken"
            errors.append(FieldError(loc=["body", "items", index, "size_bytes"], code="too-large", message=message))
    if errors:
        raise Invalid(f"{len(errors)} of the announced files are not accepted", errors=errors)


async def _add_existing(
    db: Session,
    research_project_id: UUID,
    collection_id: UUID,
    there: dict[str, Resource],
    files: Sequence[Announced],
) -> None:
    again = [one for one in files if one.sha256 in there]
    if not again:
        return
    named = [NamedResource(there[one.sha256].id, one.name, one.full_path) for one in again]
    await add_resources(db, research_project_id=research_project_id, collection_id=collection_id, named=named)
    await add_to_links(db, collection_id, sorted({one.resource_id for one in named}))
    for one in again:
        if one.deployment_id is not None and there[one.sha256].deployment_id is None:
            await queries.set_deployment_where_unknown(db, there[one.sha256].id, one.deployment_id)
    enqueue_after_commit(db, "jobs.cover")
