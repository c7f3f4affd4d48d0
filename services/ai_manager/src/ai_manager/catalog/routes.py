"""The catalogue over HTTP: list, read, publish, weights in and out."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

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
from trapper_kit.web import params
from trapper_kit.web.app import read_body
from trapper_kit.web.bodies import MIB, body_limit
from trapper_kit.web.describe import binary, problems
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import (
    GoldenRun,
    ModelPins,
    ModelPublication,
    ModelReply,
    ModelRetirement,
    Name,
    PinConfirmation,
    Version,
)
from trapper_schemas.v1.resources import SHA256

router = APIRouter(prefix="/api/models", tags=["catalog"])
EntryName = Annotated[Name, Path()]
Sha256 = Annotated[str, Path(pattern=SHA256)]
Range = Annotated[str | None, Header(max_length=100, description="bytes=first-last, for a download that goes on")]
_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def _reply(model: Model) -> ModelReply:
    return ModelReply.model_validate(
        {**model.entry, "held": model.held, "state": model.state.value, "origin": model.origin.value}
    )


@router.get("/")
async def list_models(
    _caller: MayReadCatalog,
    db: Db,
    name: params.Name = None,
    retired: Annotated[bool, Query(description="also those that are retired")] = False,
) -> Page[ModelReply]:
    """List the models of the catalogue by name, in one page."""
    models = await queries.list_models(db, name=name, retired=retired)
    return Page(items=[_reply(model) for model in models], next_cursor=None)


@router.get("/{sha256}/", responses=problems(ModelNotFound))
async def read_model(sha256: Sha256, _caller: MayReadCatalog, db: Db) -> ModelReply:
    """Read a model by the sha256 of its weights."""
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
    """Read a model's outputs for the golden inputs."""
    model = await queries.with_proof(db, sha256, name=name, version=version)
    if model is None:
        raise ProofNotFound("the weights were published without one, or not at all", sha256=sha256)
    return GoldenRun.model_validate(model.proof)


@router.get("/{name}/pins/", responses=problems(ModelNotFound))
async def list_pins(
    name: EntryName, _caller: MayReadCatalog, db: Db, version: Annotated[Version, Query()]
) -> ModelPins:
    """Read the confirmed hash of a model and what workers proposed."""
    return await read_pins(db, name, version)


@router.post("/{name}/pin/", responses=problems(ModelNotFound, ModelNotReady, ModelImmutable))
async def pin(name: EntryName, body: PinConfirmation, _caller: MayPublish, db: Db) -> ModelReply:
    """Confirm which weights an unpinned model has; the same hash again changes nothing."""
    return _reply(await confirm_pin(db, name, body))


@router.post("/{name}/retire/", responses=problems(ModelNotFound, ModelImmutable))
async def retire(name: EntryName, body: ModelRetirement, _caller: MayPublish, db: Db) -> ModelReply:
    """Retire a version of a model, or bring it back; jobs in flight go on, and its weights stay."""
    change = retire_model if body.retired else restore_model
    return _reply(await change(db, name, body.version))


@router.post("/", status_code=201, responses={**problems(ModelImmutable), 200: {"model": ModelReply}})
@body_limit(16 * MIB)
async def publish(body: ModelPublication, _caller: MayPublish, db: Db, now: Now, response: Response) -> ModelReply:
    """Publish a model's entry; 200 when it was there already. No idempotency key: its address is the hash."""
    model, new = await publish_model(db, body.entry, proof=body.proof, now=now)
    response.status_code = 201 if new else 200
    return _reply(model)


@router.put(
    "/{sha256}/weights",
    responses=problems(ModelNotFound, WeightsDiffer),
    openapi_extra={"requestBody": {"required": True, **binary()}},
)
async def put_weights(sha256: Sha256, _caller: MayPublish, work: WorkDep, request: Request) -> ModelReply:
    """Upload the weights of a model; kept if and only if their sha256 is the one in the address."""
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
    responses={**problems(ModelNotFound, RangeRefused), 200: binary(), 206: binary()},
)
async def get_weights(
    sha256: Sha256, _caller: MayReadCatalog, work: WorkDep, range_: Annotated[Range, Header(alias="Range")] = None
) -> StreamingResponse:
    """Download weights that the Manager holds; a Range header continues a download."""
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
