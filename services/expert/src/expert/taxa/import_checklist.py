"""Imports a checklist of taxa: an operation with one transaction, so that a failed import leaves nothing behind."""

import asyncio
import hashlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import IO
from uuid import UUID

from expert.access.make_once import IdempotentRequest
from expert.access.state import Caller
from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.start import start_operation
from expert.operations.state import BatchOutcome, LogLevel, LogLine
from expert.taxa import queries_import as queries
from expert.taxa.parse_checklist import ChecklistRow, RefusedRow, Row, VernacularRow, parse_checklist
from trapper_kit.db import Session
from trapper_kit.idempotency import fingerprint
from trapper_schemas.ids import uuid7

IMPORT = "taxa.import"
CHECKLISTS = "checklists/"
"""Where files of checklists lie in the object store."""
MAX_CHECKLIST_BYTES = 2 << 30
_ROWS_AT_ONCE = 5_000
_MAX_REASONS = 2_000


def checklist_key(file_id: UUID) -> str:
    """The name of a checklist's file in the object store."""
    return f"{CHECKLISTS}{file_id}"


async def receive_checklist(
    work: ExpertWork,
    caller: Caller,
    key: str,
    body: AsyncIterator[bytes],
    *,
    classification_project_id: UUID,
    checklist: str,
) -> Operation:
    """Stores the file, and starts the operation that imports it."""
    file_id = uuid7()
    digest = hashlib.sha256()

    async def digested() -> AsyncIterator[bytes]:
        async for chunk in body:
            digest.update(chunk)
            yield chunk

    await work.blobs.put_stream(checklist_key(file_id), digested())
    request = IdempotentRequest(caller.id, key, fingerprint({"checklist": checklist, "sha256": digest.hexdigest()}))
    operation = Operation(
        kind=IMPORT,
        classification_project_id=classification_project_id,
        parameters={"checklist": checklist, "file_id": str(file_id)},
        total=1,
    )
    async with work.db() as db:
        operation, is_new = await start_operation(db, operation, request)
    if not is_new:
        await work.blobs.delete(checklist_key(file_id))
    return operation


@operation_kind(IMPORT)
async def import_checklist(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Merges the rows of the file into the taxa; rows that cannot be read are named in the log."""
    checklist = str(operation.parameters["checklist"])
    refused: list[RefusedRow] = []
    with tempfile.TemporaryFile() as file:
        stored = await work.blobs.stream(checklist_key(UUID(str(operation.parameters["file_id"]))))
        async for chunk in stored.chunks:
            await asyncio.to_thread(file.write, chunk)
        file.seek(0)
        await queries.begin_import(db)
        async for rows in _batches(file):
            await queries.copy_taxa(db, [row for row in rows if isinstance(row, ChecklistRow)])
            await queries.copy_vernaculars(db, [row for row in rows if isinstance(row, VernacularRow)])
            refused += [row for row in rows if isinstance(row, RefusedRow)]
    counts = Counter(refused=len(refused))
    refused += [
        RefusedRow(number, f"the key {key} is in an earlier row") for number, key in await queries.drop_doubles(db)
    ]
    counts["refused"] = len(refused)
    warnings = await queries.merge_import(db, checklist, counts)
    lines = [
        LogLine(LogLevel.ERROR, f"Line {row.number}: {row.reason}.", item=str(row.number), code="row-refused")
        for row in refused[:_MAX_REASONS]
    ]
    lines += [
        LogLine(LogLevel.WARNING, f"Line {number}: {reason}.", item=str(number), code="lineage-incomplete")
        for number, reason in warnings[:_MAX_REASONS]
    ]
    counts["warnings"] = len(warnings)
    return BatchOutcome({}, done=1, is_last=True, counters=dict(counts), lines=lines, result=dict(counts))


async def _batches(file: IO[bytes]) -> AsyncIterator[list[Row]]:
    rows = parse_checklist(file)
    while batch := await asyncio.to_thread(_take, rows):
        yield batch


def _take(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, _ROWS_AT_ONCE))
