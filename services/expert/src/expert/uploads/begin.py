"""Announce files by name, size and sha256; what the research project has already is answered at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.capture_times.rederive import Rederived
from expert.classification_projects.link_collection import add_to_links
from expert.collections import queries as collections
from expert.collections.add_resources import NamedResource, add_resources, path_print
from expert.research_projects.request import require_active
from expert.resources import queries as resources
from expert.resources.models import Resource
from expert.uploads import queries
from expert.uploads.learn_deployments import learn_deployments
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.problems import Conflict, Invalid, NotFound
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
        """What makes two announcements the same upload."""
        return self.sha256, path_print(self.full_path)

    @property
    def full_path(self) -> str:
        """A file without a path lies under its name."""
        return self.path or self.name


@dataclass(frozen=True)
class BegunFile:
    """Either the upload that waits for bytes, or the resource that has them, with its own place and path."""

    sha256: str
    upload_id: UUID | None = None
    resource: Resource | None = None


@dataclass(frozen=True)
class Begun:
    """Files in the order of the request, and what changed because deployments became known."""

    files: list[BegunFile]
    learned: Rederived


async def begin_uploads(
    db: Session,
    caller: Caller,
    *,
    research_project_id: UUID,
    collection_id: UUID,
    files: Sequence[Announced],
    upload_max_bytes: int,
) -> Begun:
    """Open uploads; raises NotFound, Forbidden, ProjectNotActive, Conflict (archived), Invalid (naming the item)."""
    await require(db, caller, Capability.UPLOAD, research_project=research_project_id)
    await require_active(db, research_project_id)
    collection = await collections.of_project(db, collection_id, research_project_id)
    if collection is None:
        raise NotFound("there is no such collection in this research project")
    if not collection.is_active:
        raise Conflict(f"the collection {collection.name!r} is archived; bring it back before you upload into it")
    await _check(db, research_project_id, files, upload_max_bytes)
    known = await resources.by_sha256(db, research_project_id, [file.sha256 for file in files])
    known = {sha256: resource for sha256, resource in known.items() if not resource.is_lost}
    learned = await _add_existing(db, research_project_id, collection_id, known, files)
    rows = {
        file.key: {
            "id": uuid7(),
            "research_project_id": research_project_id,
            "collection_id": collection_id,
            "deployment_id": file.deployment_id,
            "created_by": caller.id,
            "file_name": file.name,
            "path": file.full_path,
            "path_print": file.key[1],
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
        }
        for file in files
        if file.sha256 not in known
    }
    opened = await queries.open_all(db, [rows[key] for key in sorted(rows)])
    begun = [BegunFile(file.sha256, opened.get(file.key), known.get(file.sha256)) for file in files]
    return Begun(begun, learned)


async def _check(db: Session, research_project_id: UUID, files: Sequence[Announced], most: int) -> None:
    named = {file.deployment_id for file in files if file.deployment_id is not None}
    known = await queries.deployments_of(db, research_project_id, named) if named else dict[UUID, bool]()
    errors: list[FieldError] = []
    for index, file in enumerate(files):
        if file.deployment_id is not None and not known.get(file.deployment_id, False):
            is_archived = file.deployment_id in known
            message = "is archived; bring it back first" if is_archived else "is no deployment of this research project"
            errors.append(FieldError(loc=["body", "items", index, "deployment_id"], code="unknown", message=message))
        if file.size_bytes > most:
            message = f"is larger than the {most} bytes that are taken"
            errors.append(FieldError(loc=["body", "items", index, "size_bytes"], code="too-large", message=message))
    if errors:
        raise Invalid(f"{len(errors)} of the announced files are not accepted", errors=errors)


async def _add_existing(
    db: Session,
    research_project_id: UUID,
    collection_id: UUID,
    known: dict[str, Resource],
    files: Sequence[Announced],
) -> Rederived:
    again = [file for file in files if file.sha256 in known]
    if not again:
        return Rederived()
    named = [NamedResource(known[file.sha256].id, file.name, file.full_path, file.deployment_id) for file in again]
    await add_resources(db, research_project_id=research_project_id, collection_id=collection_id, named=named)
    await add_to_links(db, collection_id, sorted({item.resource_id for item in named}))
    deployments: dict[UUID, UUID] = {}
    for item in named:
        if item.deployment_id is not None:
            deployments.setdefault(item.resource_id, item.deployment_id)
    learned = await learn_deployments(db, deployments)
    await resources.by_sha256(db, research_project_id, list(known))  # the same objects, as they are now
    enqueue_after_commit(db, "jobs.cover")
    return learned
