"""The catalogue over HTTP: list, read, publish, weights in and out."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from ai_manager.access.errors import EVERYWHERE
from ai_manager.access.guards import MayPublish, MayReadCatalog
from ai_manager.blob_store import weights_key
from ai_manager.catalog import queries
from ai_manager.catalog.confirm_pin import confirm_pin, read_pins
from ai_manager.catalog.errors import (
    ModelImmutable,
    ModelNotFound,
    ModelNotReady,
    ProofNotFound,
    RangeRefused,
    WeightsDiffer,
)
from ai_manager.catalog.models import Model
from ai_manager.catalog.publish import publish_model
from ai_manager.catalog.receive_weights import receive_weights
from ai_manager.catalog.retire import restore_model, retire_model
from ai_manager.deps import Db, Now, WorkDep
from trapper_kit.problems import Invalid, TooLarge
from trapper_kit.web.app import problems, read_body
from trapper_kit.web.bodies import MIB, body_limit
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import (
    ConfirmPin,
    GoldenRun,
    ModelPins,
    ModelReply,
    Name,
    PublishModel,
    RetireModel,
    Version,
)
from trapper_schemas.v1.resources import SHA256

router = APIRouter(prefix="/api/models", tags=["catalog"], responses=problems(*EVERYWHERE))
EntryName = Annotated[Name, Path()]
Sha256 = Annotated[str, Path(pattern=SHA256)]
Range = Annotated[str | None, Header(max_length=100, description="bytes=first-last, for a download that goes on")]
_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_STREAM = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


def _reply(model: Model) -> ModelReply:
    return ModelReply.model_validate(
        {**model.entry, "held": model.held, "state": model.state.value, "origin": model.origin.value}
    )


@router.get("/")
async def list_models(
    _caller: MayReadCatalog,
    db: Db,
    name: Annotated[Name | None, Query()] = None,
    retired: Annotated[bool, Query(description="also those that are retired")] = False,
) -> Page[ModelReply]:
    """The whole catalogue by name, in one page: it has some hundred entries at most."""
    models = await queries.list_models(db, name=name, retired=retired)
    return Page(items=[_reply(model) for model in models], next_cursor=None)


@router.get("/{sha256}/", responses=problems(ModelNotFound))
async def read_model(sha256: Sha256, _caller: MayReadCatalog, db: Db) -> ModelReply:
    """One version by the sha256 of its weights."""
    model = await queries.by_sha256(db, sha256)
    if model is None:
        raise ModelNotFound(sha256=sha256)
    return _reply(model)


@router.get("/{sha256}/proof/", responses=problems(ProofNotFound))
async def read_proof(
    sha256: Sha256,
    _caller: MayReadCatalog,
    db: Db,
    name: Annotated[Name | None, Query(description="as run under this name")] = None,
    version: Annotated[Version | None, Query()] = None,
) -> GoldenRun:
    """What the model answered to the golden inputs where it was published."""
    model = await queries.with_proof(db, sha256, name=name, version=version)
    if model is None:
        raise ProofNotFound("the weights were published without one, or not at all", sha256=sha256)
    return GoldenRun.model_validate(model.proof)


@router.get("/{name}/pins/", responses=problems(ModelNotFound))
async def list_pins(
    name: EntryName, _caller: MayReadCatalog, db: Db, version: Annotated[Version, Query()]
) -> ModelPins:
    """The hash of an entry that an operator confirmed, and what workers proposed."""
    return await read_pins(db, name, version)


@router.post("/{name}/pin/", responses=problems(ModelNotFound, ModelNotReady, ModelImmutable, Invalid))
async def pin(name: EntryName, body: ConfirmPin, _caller: MayPublish, db: Db) -> ModelReply:
    """Confirm which weights an unpinned entry has; the same hash again changes nothing."""
    return _reply(await confirm_pin(db, name, body))


@router.post("/{name}/retire/", responses=problems(ModelNotFound, ModelImmutable, Invalid))
async def retire(name: EntryName, body: RetireModel, _caller: MayPublish, db: Db) -> ModelReply:
    """Refuse new jobs on a version, or bring it back; jobs in flight go on, and its weights stay."""
    change = retire_model if body.retired else restore_model
    return _reply(await change(db, name, body.version))


@router.post("/", status_code=201, responses={**problems(Invalid, ModelImmutable), 200: {"model": ModelReply}})
@body_limit(16 * MIB)
async def publish(body: PublishModel, _caller: MayPublish, db: Db, now: Now, response: Response) -> ModelReply:
    """Publish an entry; 200 when it was there already. Its address is the hash, so no idempotency key is needed."""
    model, new = await publish_model(db, body.entry, proof=body.proof, now=now)
    response.status_code = 201 if new else 200
    return _reply(model)


@router.put(
    "/{sha256}/weights",
    responses=problems(ModelNotFound, WeightsDiffer, Invalid, TooLarge),
    openapi_extra={"requestBody": {"required": True, **_STREAM}},
)
async def put_weights(sha256: Sha256, _caller: MayPublish, work: WorkDep, request: Request) -> ModelReply:
    """Send the weights; kept if and only if their sha256 is the one in the address."""
    chunks = read_body(request, at_most=work.settings.weights_limit_bytes)
    await receive_weights(work, sha256, chunks)
    async with work.db() as db:
        model = await queries.by_sha256(db, sha256)
    if model is None:
        raise ModelNotFound(sha256=sha256)
    return _reply(model)


@router.get(
    "/{sha256}/weights",
    response_class=StreamingResponse,
    responses={**problems(ModelNotFound, RangeRefused), 200: _STREAM, 206: _STREAM},
)
async def get_weights(
    sha256: Sha256, _caller: MayReadCatalog, work: WorkDep, range_: Annotated[Range, Header(alias="Range")] = None
) -> StreamingResponse:
    """The weights that the Manager itself holds; a Range header continues a download."""
    size = await work.blobs.size(weights_key(sha256))
    if size is None:
        raise ModelNotFound("the Manager does not hold these weights", sha256=sha256)
    first, end = _byte_range(range_, size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - first),
        "ETag": f'"{sha256}"',
    }
    if range_ is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    stored = await work.blobs.stream(weights_key(sha256), first, end)
    return StreamingResponse(
        stored.chunks,
        status_code=200 if range_ is None else 206,
        headers=headers,
        media_type="application/octet-stream",
    )


def _byte_range(range_: str | None, size: int) -> tuple[int, int]:
    if range_ is None:
        return 0, size
    match = _RANGE.match(range_)
    first, last = match.groups() if match else ("", "")
    if not first and last:
        begin, end = max(0, size - int(last)), size
    elif first:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    else:
        raise RangeRefused("only one range of bytes is served", size_bytes=size)
    if begin >= end:
        raise RangeRefused(f"the weights have {size} bytes", size_bytes=size)
    return begin, end
