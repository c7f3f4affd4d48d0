"""Make the resources of stored bytes, in their collections and in the links of these collections."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from expert.classification_projects.link_collection import add_to_links
from expert.collections.add_resources import NamedResource, add_resources
from expert.media_store import original_key
from expert.resources import queries as resources
from expert.uploads import queries
from expert.uploads.learn_deployments import learn_deployments
from expert.uploads.models import Upload
from trapper_kit.db import Session, enqueue_after_commit
from trapper_schemas.ids import uuid7

FIRST_GENERATION = 0


def key_of(upload: Upload) -> str:
    """Under which the original of an upload is stored."""
    return original_key(upload.research_project_id, upload.sha256, FIRST_GENERATION)


async def finish_uploads(db: Session, uploads: Sequence[Upload]) -> dict[UUID, UUID]:
    """The resource of each upload, by the upload's id; safe to repeat, and for several senders of the same bytes."""
    finished: dict[UUID, UUID] = {}
    in_order = sorted(uploads, key=lambda upload: (str(upload.research_project_id), str(upload.collection_id)))
    for (research_project_id, collection_id), group in groupby(
        in_order, key=lambda upload: (upload.research_project_id, upload.collection_id)
    ):
        finished |= await _finish(db, research_project_id, collection_id, list(group))
    await queries.close(db, finished)
    return finished


async def _finish(
    db: Session, research_project_id: UUID, collection_id: UUID, uploads: Sequence[Upload]
) -> dict[UUID, UUID]:
    made = await resources.insert_new(db, {upload.sha256: _values(upload) for upload in reversed(uploads)})
    known = await resources.by_sha256(db, research_project_id, [upload.sha256 for upload in uploads])
    finished = {upload.id: known[upload.sha256].id for upload in uploads}
    restored = [await resources.restore_original(db, known[sha256].id) for sha256 in sorted(known.keys() - made)]
    if made or any(restored):
        enqueue_after_commit(db, "resources.describe")
    learnt = {
        finished[upload.id]: upload.deployment_id
        for upload in uploads
        if upload.deployment_id is not None and upload.sha256 not in made
    }
    if learnt:
        await learn_deployments(db, learnt)
    if known.keys() - made:
        enqueue_after_commit(db, "jobs.cover")
    named = [
        NamedResource(finished[upload.id], upload.file_name, upload.path, upload.deployment_id) for upload in uploads
    ]
    await add_resources(db, research_project_id=research_project_id, collection_id=collection_id, named=named)
    await add_to_links(db, collection_id, sorted(set(finished.values())))
    return finished


def _values(upload: Upload) -> dict[str, object]:
    return {
        "id": uuid7(),
        "research_project_id": upload.research_project_id,
        "deployment_id": upload.deployment_id,
        "created_by": upload.created_by,
        "file_name": upload.file_name,
        "file_path": upload.path,
        "size_bytes": upload.size_bytes,
        "sha256": upload.sha256,
        "stored_sha256": upload.sha256,
        "object_key": key_of(upload),
    }
