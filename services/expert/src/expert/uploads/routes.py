"""Uploads: announce many, then send each body."""

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect

from expert.access.guards import MayUpload
from expert.deps import Db, Work
from expert.research_projects.errors import ProjectNotActive
from expert.uploads.begin import Announced, BegunFile, begin_uploads
from expert.uploads.errors import BodyEnded, Sha256Mismatch, SizeMismatch, TooManyUploads, UploadExpired, UploadUnknown
from expert.uploads.limit_uploads import limit_uploads
from expert.uploads.receive import receive_upload
from expert.uploads.schemas import NewUploads, UploadedResource, UploadReplies, UploadReply
from trapper_kit.objects import StorageFull, StorageUnavailable
from trapper_kit.problems import Conflict, Forbidden, NotFound
from trapper_kit.web.app import read_body
from trapper_kit.web.bodies import MIB, body_limit
from trapper_kit.web.describe import problems

router = APIRouter(prefix="/api/uploads", tags=["uploads"])


@router.post("/", responses=problems(NotFound, Forbidden, Conflict, ProjectNotActive))
@body_limit(8 * MIB)
async def begin(body: NewUploads, caller: MayUpload, db: Db, work: Work) -> UploadReplies:
    """Announce files of an upload; known bytes are put under their new path, the others wait for a body."""
    begun = await begin_uploads(
        db,
        caller,
        research_project_id=body.research_project_id,
        collection_id=body.collection_id,
        files=[Announced(**item.model_dump()) for item in body.items],
        upload_max_bytes=work.settings.upload_max_bytes,
    )
    return UploadReplies(
        items=[_item(file) for file in begun.files],
        resources_changed=begun.learned.resources,
        observations_changed=begun.learned.observations,
    )


def _item(file: BegunFile) -> UploadReply:
    resource = file.resource
    return UploadReply(
        sha256=file.sha256,
        status="upload" if resource is None else "exists",
        upload_id=file.upload_id,
        resource_id=None if resource is None else resource.id,
        resource_deployment_id=None if resource is None else resource.deployment_id,
        resource_path=None if resource is None else resource.file_path,
    )


@router.put(
    "/{upload_id}/content",
    responses=problems(
        UploadUnknown,
        UploadExpired,
        SizeMismatch,
        Sha256Mismatch,
        BodyEnded,
        TooManyUploads,
        StorageFull,
        StorageUnavailable,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def receive(upload_id: UUID, request: Request, caller: MayUpload, work: Work) -> UploadedResource:
    """Send the bytes of an announced file; the resource is there when this answers."""
    body = read_body(request, at_most=work.settings.upload_max_bytes)
    with limit_uploads(work.receiving_uploads, caller.id, at_most=work.settings.uploads_per_account):
        return UploadedResource(resource_id=await receive_upload(work, caller, upload_id, _until_disconnect(body)))


async def _until_disconnect(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in body:
            yield chunk
    except ClientDisconnect as problem:
        raise BodyEnded("the connection ended before the body did") from problem
