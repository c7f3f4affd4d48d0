"""Make the resource of stored bytes, in its collection and in the links of that collection."""

from uuid import UUID

from expert.classification_projects.link_collection import add_to_links
from expert.collections.add_resources import NamedResource, add_resources
from expert.deps import ExpertWork
from expert.resources import queries as resources
from expert.uploads import queries
from expert.uploads.learn_deployments import learn_deployments
from expert.uploads.models import Upload
from trapper_kit.db import enqueue_after_commit
from trapper_schemas.ids import uuid7


async def finish_upload(work: ExpertWork, upload: Upload, *, object_key: str) -> UUID:
    """One transaction; safe to repeat, and for two senders of the same bytes at once."""
    values = {
        "id": uuid7(),
        "research_project_id": upload.research_project_id,
        "deployment_id": upload.deployment_id,
        "created_by": upload.created_by,
        "file_name": upload.file_name,
        "file_path": upload.path,
        "size_bytes": upload.size_bytes,
        "sha256": upload.sha256,
        "stored_sha256": upload.sha256,
        "object_key": object_key,
    }
    async with work.db() as db:
        made = await resources.insert_once(db, values)
        if made is None:
            resource_id = (await resources.by_sha256(db, upload.research_project_id, [upload.sha256]))[upload.sha256].id
            if await resources.restore_original(db, resource_id):
                enqueue_after_commit(db, "resources.describe")
            if upload.deployment_id is not None:
                await learn_deployments(db, {resource_id: upload.deployment_id})
            enqueue_after_commit(db, "jobs.cover")
        else:
            resource_id = made
            enqueue_after_commit(db, "resources.describe")
        named = [NamedResource(resource_id, upload.file_name, upload.path, upload.deployment_id)]
        await add_resources(
            db, research_project_id=upload.research_project_id, collection_id=upload.collection_id, named=named
        )
        await add_to_links(db, upload.collection_id, [resource_id])
        await queries.close(db, upload.id, resource_id)
    return resource_id
