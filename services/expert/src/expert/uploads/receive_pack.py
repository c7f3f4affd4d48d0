"""Store small files that come as one body: each is kept or refused alone, and all are durable before one commit.

A pack begins with the number of its files (4 bytes), then has for each the id of its upload (16 bytes) and its length
(8 bytes), then the contents in the same order; numbers are unsigned and big-endian.
"""

import hashlib
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from expert.access.state import Caller
from expert.deps import ExpertWork
from expert.uploads import queries
from expert.uploads.errors import PackMalformed
from expert.uploads.finish import finish_uploads, key_of
from expert.uploads.models import Upload
from expert.uploads.receive import check_body, require_role, take_upload
from trapper_kit.db import Session
from trapper_kit.problems import Problem

MOST_FILES = 100
LARGEST_FILE_BYTES = 4 << 20
"""One file is in memory at a time."""
LARGEST_PACK_BYTES = MOST_FILES * (LARGEST_FILE_BYTES + 24) + 4
_COUNT, _FILE = struct.Struct(">I"), struct.Struct(">16sQ")


@dataclass(frozen=True)
class ReceivedFile:
    """What became of a file: its resource, or why it was refused."""

    upload_id: UUID
    resource_id: UUID | None = None
    refusal: Problem | None = None


async def receive_pack(work: ExpertWork, caller: Caller, body: AsyncIterator[bytes]) -> list[ReceivedFile]:
    """Every file in the order of the pack; raises PackMalformed and StorageFull, and then nothing was kept."""
    reader = _Reader(body)
    sizes = await _read_sizes(reader)
    refusals: dict[UUID, Problem] = {}
    async with work.db() as db:
        found = await _find(db, caller, list(sizes), refusals)
    accepted: list[Upload] = []
    async with aclosing(_contents(reader, sizes, found, refusals, accepted)) as contents:
        await work.media.put_all(contents)
    async with work.db() as db:
        allowed = await _allowed(db, caller, accepted, refusals)  # a pack takes a while to come
        resources = await finish_uploads(db, allowed)
    return [ReceivedFile(id_, resources.get(id_), refusals.get(id_)) for id_ in sizes]


class _Reader:
    """Takes exact numbers of bytes from a stream of chunks."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._buffer = bytearray()

    async def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            chunk = await anext(self._body, None)
            if chunk is None:
                raise PackMalformed("the body ends before the last file does")
            self._buffer += chunk
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return data

    async def end(self) -> None:
        if self._buffer or await anext(self._body, None) is not None:
            raise PackMalformed("the body goes on after the last file")


async def _read_sizes(reader: _Reader) -> dict[UUID, int]:
    """The length of each file by the id of its upload."""
    (count,) = _COUNT.unpack(await reader.read(_COUNT.size))
    if not 0 < count <= MOST_FILES:
        raise PackMalformed(f"a pack has 1 to {MOST_FILES} files, and this one has {count}")
    sizes: dict[UUID, int] = {}
    for _ in range(count):
        name, size = _FILE.unpack(await reader.read(_FILE.size))
        upload_id = UUID(bytes=name)
        if upload_id in sizes:
            raise PackMalformed(f"the upload {upload_id} is in the pack twice")
        if size > LARGEST_FILE_BYTES:
            raise PackMalformed(f"a file of a pack has at most {LARGEST_FILE_BYTES} bytes; send larger ones alone")
        sizes[upload_id] = size
    return sizes


async def _find(
    db: Session, caller: Caller, upload_ids: Sequence[UUID], refusals: dict[UUID, Problem]
) -> dict[UUID, tuple[Upload, UUID | None]]:
    known = await queries.with_resources(db, upload_ids)
    found: dict[UUID, tuple[Upload, UUID | None]] = {}
    for upload_id in upload_ids:
        try:
            found[upload_id] = take_upload(caller, known, upload_id)
        except Problem as refusal:
            refusals[upload_id] = refusal
    allowed = await _allowed(db, caller, [upload for upload, _ in found.values()], refusals)
    return {upload.id: found[upload.id] for upload in allowed}


async def _allowed(
    db: Session, caller: Caller, uploads: Sequence[Upload], refusals: dict[UUID, Problem]
) -> list[Upload]:
    """Those of the uploads into whose projects the caller may upload now."""
    refused: dict[UUID, Problem] = {}
    for research_project_id in {upload.research_project_id for upload in uploads}:
        try:
            await require_role(db, caller, research_project_id)
        except Problem as refusal:
            refused[research_project_id] = refusal
    refusals |= {
        upload.id: refused[upload.research_project_id] for upload in uploads if upload.research_project_id in refused
    }
    return [upload for upload in uploads if upload.research_project_id not in refused]


async def _contents(
    reader: _Reader,
    sizes: Mapping[UUID, int],
    found: Mapping[UUID, tuple[Upload, UUID | None]],
    refusals: dict[UUID, Problem],
    accepted: list[Upload],
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield keys and bytes to store; what is refused, or is there already, is read and left out."""
    for upload_id, size in sizes.items():
        data = await reader.read(size)
        if upload_id not in found:
            continue
        upload, resource_id = found[upload_id]
        try:
            check_body(upload, size, hashlib.sha256(data).hexdigest())
        except Problem as refusal:
            refusals[upload_id] = refusal
            continue
        accepted.append(upload)
        if resource_id is None:
            yield key_of(upload), data
    await reader.end()
