"""Uploads: announce many, then send each body."""

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect

from expert.access.guards import MayUpload
from expert.deps import Db, Work
from expert.research_projects.errors import ProjectNotActive
from expert.uploads.begin import Announced, BegunFile, begin_uploads
from expert.uploads.errors import (
    BodyEnded,
    PackMalformed,
    Sha256Mismatch,
    SizeMismatch,
    TooManyUploads,
    UploadExpired,
    UploadUnknown,
)
from expert.uploads.limit_uploads import limit_uploads
from expert.uploads.receive import receive_upload
from expert.uploads.receive_pack import LARGEST_PACK_BYTES, receive_pack
from expert.uploads.schemas import (
    NewUploads,
    PackedFileReply,
    PackReply,
    UploadedResource,
    UploadReplies,
    UploadReply,
)
from trapper_kit.objects import StorageFull, StorageUnavailable
from trapper_kit.problems import Conflict, Forbidden, NotFound, TooLarge
from trapper_kit.web.app import read_body
from trapper_kit.web.bodies import MIB, body_limit
from trapper_kit.web.describe import problems

router = APIRouter(prefix="/api/uploads", tags=["uploads"])
_BINARY_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


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


@router.post(
    "/pack/",
    responses=problems(PackMalformed, TooLarge, BodyEnded, TooManyUploads, StorageFull, StorageUnavailable),
    openapi_extra=_BINARY_BODY,
)
async def receive_many(request: Request, caller: MayUpload, work: Work) -> PackReply:
    """Send the bytes of up to 100 small announced files in one body; each is kept or refused alone.

    The body: the number of files (4 bytes); for each file the id of its upload (16 bytes) and its length (8 bytes; at
    most 4,194,304); then the contents in the same order. Numbers are unsigned and big-endian.
    """
    body = read_body(request, at_most=LARGEST_PACK_BYTES)
    with limit_uploads(work.receiving_uploads, caller.id, at_most=work.settings.uploads_per_account):
        received = await receive_pack(work, caller, _until_disconnect(body))
    return PackReply(
        items=[
            PackedFileReply(
                upload_id=file.upload_id,
                resource_id=file.resource_id,
                problem=None if file.refusal is None else file.refusal.body(None),
            )
            for file in received
        ]
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
    openapi_extra=_BINARY_BODY,
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
