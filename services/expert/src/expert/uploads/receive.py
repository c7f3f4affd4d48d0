"""Store a body as it streams in and hash it, without a database connection; small bodies are written at once."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deps import ExpertWork
from expert.uploads import queries
from expert.uploads.errors import Sha256Mismatch, SizeMismatch, UploadExpired, UploadUnknown
from expert.uploads.finish import finish_uploads, key_of
from expert.uploads.models import Upload
from expert.uploads.state import UploadState
from trapper_kit.db import Session
from trapper_kit.objects import BLOCK_BYTES

_WRITTEN_AT_ONCE_BYTES = BLOCK_BYTES
_UNKNOWN = "there is no such upload of yours"


async def receive_upload(work: ExpertWork, caller: Caller, upload_id: UUID, body: AsyncIterator[bytes]) -> UUID:
    """The resource; raises UploadUnknown, UploadExpired, SizeMismatch, Sha256Mismatch, StorageFull.

    A body that differs from what was announced leaves nothing behind, and the upload stays open for another try.
    """
    async with work.db() as db:
        known = await queries.with_resources(db, [upload_id])
        upload, resource_id = take_upload(caller, known, upload_id)
        await require_role(db, caller, upload.research_project_id)
    if upload.state is UploadState.FINISHED and upload.resource_id is not None:
        await _skip(upload, body)  # the client got no reply and sends again
        return upload.resource_id
    if resource_id is not None:  # stored meanwhile under another path; it may have been rewritten since
        await _skip(upload, body)
    elif upload.size_bytes <= _WRITTEN_AT_ONCE_BYTES:
        await work.media.put(key_of(upload), await _read(upload, body))
    else:
        await _stream(work, upload, body)
    async with work.db() as db:
        await require_role(db, caller, upload.research_project_id)  # a large body takes long
        return (await finish_uploads(db, [upload]))[upload.id]


def take_upload(
    caller: Caller, known: Mapping[UUID, tuple[Upload, UUID | None]], upload_id: UUID
) -> tuple[Upload, UUID | None]:
    """An upload of the caller's, and the resource that has its bytes; raises UploadUnknown, UploadExpired."""
    row = known.get(upload_id)
    if row is None or row[0].created_by != caller.id:
        raise UploadUnknown(_UNKNOWN)
    if row[0].state is UploadState.EXPIRED:
        raise UploadExpired("announce the file again")
    return row


async def require_role(db: Session, caller: Caller, research_project_id: UUID) -> None:
    """Raise UploadUnknown for somebody who was removed from the project since the upload was announced."""
    await require(db, caller, Capability.UPLOAD, research_project=research_project_id, missing=UploadUnknown(_UNKNOWN))


async def _read(upload: Upload, body: AsyncIterator[bytes]) -> bytearray:
    """The whole body of a small file."""
    data = bytearray()
    async with aclosing(_checked(upload, body)) as chunks:
        async for chunk in chunks:
            data += chunk
    return data


async def _skip(upload: Upload, body: AsyncIterator[bytes]) -> None:
    async with aclosing(_checked(upload, body)) as chunks:
        async for _ in chunks:
            pass


async def _stream(work: ExpertWork, upload: Upload, body: AsyncIterator[bytes]) -> None:
    async with aclosing(_checked(upload, body)) as chunks:
        await work.media.put_stream(key_of(upload), chunks)


async def _checked(upload: Upload, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks; raises as soon as there are too many bytes, and at the end when they are not those announced."""
    digest = hashlib.sha256()
    so_far = 0
    async for chunk in body:
        so_far += len(chunk)
        if so_far > upload.size_bytes:
            raise SizeMismatch(f"{upload.size_bytes} bytes were announced, and more arrived")
        digest.update(chunk)
        yield chunk
    check_body(upload, so_far, digest.hexdigest())


def check_body(upload: Upload, size_bytes: int, sha256: str) -> None:
    """Raise SizeMismatch or Sha256Mismatch for bytes that are not those announced."""
    if size_bytes != upload.size_bytes:
        raise SizeMismatch(f"{upload.size_bytes} bytes were announced, and {size_bytes} arrived")
    if sha256 != upload.sha256:
        raise Sha256Mismatch(f"the received bytes have the sha256 {sha256}")
