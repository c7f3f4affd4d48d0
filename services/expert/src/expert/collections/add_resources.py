"""Put resources into a collection, each under the path it was uploaded with."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from expert.collections import queries
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class NamedResource:
    """A resource, and what somebody called its file."""

    resource_id: UUID
    file_name: str
    path: str
    deployment_id: UUID | None = None


def path_print(path: str) -> str:
    """What makes a path unique in an index, however long it is."""
    return hashlib.sha256(path.encode()).hexdigest()[:32]


async def add_resources(
    db: Session, *, research_project_id: UUID, collection_id: UUID, named: Iterable[NamedResource]
) -> None:
    """Safe to repeat: the same resource under the same path is there once."""
    rows = [
        {
            "id": uuid7(),
            "research_project_id": research_project_id,
            "collection_id": collection_id,
            "resource_id": resource.resource_id,
            "file_name": resource.file_name,
            "path": resource.path,
            "path_print": path_print(resource.path),
            "deployment_id": resource.deployment_id,
        }
        for resource in sorted(named, key=lambda item: (item.resource_id, item.path))  # in one order: no deadlock
    ]
    await queries.add_paths(db, rows)
