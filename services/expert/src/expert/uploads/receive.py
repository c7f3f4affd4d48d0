"""Store a body as it streams in and hash it, without a database connection; small bodies are written at once."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deps import ExpertWork
from expert.media_store import original_key
from expert.uploads import queries
from expert.uploads.errors import Sha256Mismatch, SizeMismatch, UploadExpired, UploadUnknown
from expert.uploads.finish import finish_upload
from expert.uploads.models import Upload
from expert.uploads.state import UploadState
from trapper_kit.db import Session
from trapper_kit.objects import BLOCK_BYTES

_WRITTEN_AT_ONCE_BYTES = BLOCK_BYTES
FIRST_GENERATION = 0
_UNKNOWN = "there is no such upload of yours"


async def receive_upload(work: ExpertWork, caller: Caller, upload_id: UUID, body: AsyncIterator[bytes]) -> UUID:
    """The resource; raises UploadUnknown, UploadExpired, SizeMismatch, Sha256Mismatch, StorageFull.

    A body that differs from what was announced leaves nothing behind, and the upload stays open for another try.
    """
    async with work.db() as db:
        row = await queries.with_resource(db, upload_id)
        if row is None or row[0].created_by != caller.id:
            raise UploadUnknown(_UNKNOWN)
        await _require_role(db, caller, row[0])
    upload, resource_id = row
    if upload.state is UploadState.EXPIRED:
        raise UploadExpired("announce the file again")
    if upload.state is UploadState.FINISHED and upload.resource_id is not None:
        await _skip(upload, body)  # the client got no reply and sends again
        return upload.resource_id
    if resource_id is not None:  # stored meanwhile under another path; it may have been rewritten since
        await _skip(upload, body)
    elif upload.size_bytes <= _WRITTEN_AT_ONCE_BYTES:
        await work.media.put(_key(upload), await _read(upload, body))
    else:
        await _stream(work, upload, body)
    async with work.db() as db:
        await _require_role(db, caller, upload)  # a large body takes long
    return await finish_upload(work, upload, object_key=_key(upload))


async def _require_role(db: Session, caller: Caller, upload: Upload) -> None:
    """Raise UploadUnknown for somebody who was removed from the project since the upload was announced."""
    await require(
        db,
        caller,
        Capability.UPLOAD,
        research_project=upload.research_project_id,
        missing=UploadUnknown(_UNKNOWN),
    )


def _key(upload: Upload) -> str:
    return original_key(upload.research_project_id, upload.sha256, FIRST_GENERATION)


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
        await work.media.put_stream(_key(upload), chunks)


async def _checked(upload: Upload, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks; raises as soon as there are too many bytes, and at the end when they are not those announced."""
    digest = hashlib.sha256()
    so_far = 0
    async for chunk in body:
        so_far += len(chunk)
        if so_far > upload.size_bytes:
            raise SizeMismatch(f"{upload.size_bytes} bytes were announced, and more came")
        digest.update(chunk)
        yield chunk
    if so_far != upload.size_bytes:
        raise SizeMismatch(f"{upload.size_bytes} bytes were announced, and {so_far} came")
    if digest.hexdigest() != upload.sha256:
        raise Sha256Mismatch(f"the bytes that came have the sha256 {digest.hexdigest()}")
