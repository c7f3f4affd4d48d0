"""The status page: health, devices, models and runs of this machine, and the switches drain, pause and resume."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from ai_worker.batches import queries
from ai_worker.batches.worker import Worker
from ai_worker.deps import MayOperate
from ai_worker.devices.hardware import Hardware
from ai_worker.devices.start_devices import model_memory
from ai_worker.leases.events import OfflineRequested, SwitchesSet
from ai_worker.leases.runs import RunState
from ai_worker.results import queries as results
from trapper_kit.problems import Unavailable
from trapper_kit.web.app import build_app
from trapper_kit.web.guards import public

router = APIRouter(tags=["worker"])
VERSION = version("ai-worker")


class ProvedModel(BaseModel):
    """A model that passed its self-test in this process."""

    sha256: str
    provider: str
    device: str
    precision: str
    checksum: str
    difference: float


class DeviceInUse(BaseModel):
    """One device and its inference process."""

    name: str
    hardware: str = Field(description="the name that its driver gives; empty when unknown")
    memory_bytes: int | None = Field(description="its own memory or the machine's in bytes, from 0")
    computes_on: str = Field(description="provider and device that computed at the start")
    batches_aboard: int
    busy_seconds: float
    process_bytes: int | None
    confinement: dict[str, Any] = Field(
        description="what holds the process in, by subject; docs/workers.md explains it"
    )
    models_loaded: list[str]


class WorkerInfo(BaseModel):
    """What this machine is."""

    worker_id: UUID
    version: str
    runtime: str
    instead_of: str | None = Field(description="the runtime that was asked for, when the processor replaces it")
    because: str | None = Field(description="why the processor replaces it")
    memory_bytes: int = Field(description="memory in bytes for the models of one batch, from 0")
    manager_url: str
    manager_reached: bool
    closed_because: str | None
    standstill: str | None
    devices: list[DeviceInUse]
    models_on_disk: list[str]
    models_proved: list[ProvedModel]
    models_unfit: dict[str, str] = Field(description="by sha256: why weights that lie here do not run")
    images_per_second: dict[str, float]
    model_images_per_second: dict[str, float]


class RunReply(BaseModel):
    """One run: an attempt of one batch."""

    batch_id: UUID
    attempt: int
    state: RunState
    total: int
    done: int
    here: bool = Field(description="whether its media and weights are on this machine")
    taken_along: bool = Field(description="whether its lease is for work without a link")
    lease_seconds_left: float | None


class RefusedResult(BaseModel):
    """Results that the Manager refused."""

    batch_id: UUID
    attempt: int
    problem: str | None


class OfflineOrder(BaseModel):
    """Batches to lease for work without a link."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(gt=0, le=2160)
    batches: int = Field(ge=1, le=200)


class OfflineOrderReply(BaseModel):
    """Progress of an offline request; `over` says why no more batches are taken."""

    hours: float
    batches_asked: int
    batches_taken: int
    over: str | None


class WorkReply(BaseModel):
    """Runs and results of this machine."""

    runs: list[RunReply]
    media_bytes: int = Field(description="bytes of unfinished batches, on disk or on their way, from 0")
    taking_along: OfflineOrderReply | None
    results_waiting: int
    results_waiting_bytes: int
    results_refused: list[RefusedResult]


class SwitchReply(BaseModel):
    """Why nothing is claimed at the moment, or null."""

    closed_because: str | None


def worker_of(request: Request) -> Worker:
    """The worker that serves this request."""
    work: Worker = request.app.state.work
    return work


WorkerDep = Annotated[Worker, Depends(worker_of)]


@router.get("/info")
@public
async def info(work: WorkerDep) -> WorkerInfo:
    """Read devices, models and measured speed of this machine."""
    chosen = work.devices.chosen
    tests = [
        ProvedModel(
            sha256=sha256,
            provider=test.provider,
            device=test.device,
            precision=test.precision,
            checksum=test.checksum,
            difference=test.difference,
        )
        for (sha256, _), test in work.self_tests.passed.items()
    ]
    return WorkerInfo(
        worker_id=work.worker_id,
        version=VERSION,
        runtime=work.runtime,
        instead_of=chosen.instead_of or None,
        because=chosen.because or None,
        memory_bytes=model_memory(work.settings, chosen),
        manager_url=work.manager.http.base_url,
        manager_reached=not work.rhythm.away,
        closed_because=work.closed(),
        standstill=work.standstill(),
        devices=_devices(work),
        models_on_disk=list(work.store.on_disk()),
        models_proved=tests,
        models_unfit=work.self_tests.failed,
        images_per_second=work.speeds.batches,
        model_images_per_second=work.speeds.models,
    )


def _devices(work: Worker) -> list[DeviceInUse]:
    replies: list[DeviceInUse] = []
    devices = work.devices
    tests = dict(zip(devices.children.each, devices.tests, strict=False))
    for child in devices.children.each:
        name, test = child.settings.device, tests.get(child)
        hardware = devices.chosen.hardware.get(name, Hardware())
        replies.append(
            DeviceInUse(
                name=name,
                hardware=hardware.name,
                memory_bytes=hardware.memory_bytes,
                computes_on="" if test is None else f"{test.provider}, {test.device}",
                batches_aboard=child.aboard,
                busy_seconds=round(child.busy_seconds, 3),
                process_bytes=child.memory_bytes,
                confinement=child.confinement,
                models_loaded=list(child.loaded),
            )
        )
    return replies


@router.get("/work")
@public
async def read_work(work: WorkerDep) -> WorkReply:
    """Read the runs of this machine and results that wait for delivery."""
    async with work.db() as db:
        runs = await queries.held(db)
        waiting, size = await results.waiting_bytes(db)
        refused = await results.refused(db)
    return WorkReply(
        runs=[
            RunReply(
                batch_id=run.batch_id,
                attempt=run.attempt,
                state=run.state,
                total=run.total,
                done=work.runs.done(run.id),
                here=work.runs.is_prepared(run.id),
                taken_along=run.offline_until is not None,
                lease_seconds_left=_seconds_left(work, run.id),
            )
            for run in runs
        ],
        media_bytes=work.runs.media_bytes,
        taking_along=_offline_request(work),
        results_waiting=waiting,
        results_waiting_bytes=size,
        results_refused=[
            RefusedResult(batch_id=kept.batch_id, attempt=kept.attempt, problem=kept.problem) for kept in refused
        ],
    )


def _seconds_left(work: Worker, run_id: UUID) -> float | None:
    lease = work.state.leases.get(run_id)
    if lease is None or lease.deadline is None or not lease.unfinished:
        return None
    return max(0.0, lease.deadline - work.monotonic())


def _offline_request(work: Worker) -> OfflineOrderReply | None:
    request = work.state.offline_request
    if request is None:
        return None
    return OfflineOrderReply(
        hours=request.seconds / 3600,
        batches_asked=request.taken + request.left,
        batches_taken=request.taken,
        over=request.over or None,
    )


@router.post("/take_along", dependencies=[MayOperate])
async def take_along(body: OfflineOrder, work: WorkerDep) -> OfflineOrderReply:
    """Lease batches for work without a link, and fetch everything that they need."""
    work.handle(OfflineRequested(body.hours * 3600, body.batches))
    reply = _offline_request(work)
    assert reply is not None  # it was made just now  # noqa: S101
    return reply


@router.post("/drain", dependencies=[MayOperate])
async def drain(work: WorkerDep) -> SwitchReply:
    """Drain this machine: finish its runs, claim nothing more."""
    work.handle(SwitchesSet(paused=work.state.paused, draining=True))
    return SwitchReply(closed_because=work.closed())


@router.post("/pause", dependencies=[MayOperate])
async def pause(work: WorkerDep) -> SwitchReply:
    """Pause this machine: claim nothing until resumed."""
    work.handle(SwitchesSet(paused=True, draining=work.state.draining))
    return SwitchReply(closed_because=work.closed())


@router.post("/resume", dependencies=[MayOperate])
async def resume(work: WorkerDep) -> SwitchReply:
    """Resume this machine after a pause or drain; orders of the Manager stay."""
    work.handle(SwitchesSet(paused=False, draining=False))
    return SwitchReply(closed_because=work.closed())


async def _ready(request: Request) -> dict[str, Any]:
    work = worker_of(request)
    await work.database.check()
    if work.state.revoked:
        raise Unavailable("the Manager does not accept this worker's credential; enrol it again")
    if not work.devices.ready:
        raise Unavailable("the inference process has not started yet", retry_after=1)
    return {"runtime": work.runtime, "manager_reached": not work.rhythm.away}


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
    """The command that runs the loops opens and closes the worker."""
    yield


def contract_app() -> FastAPI:
    """The routes without a worker, for the contract."""
    return build_app(
        service="ai_worker",
        title="TRAPPER AI Worker",
        version=VERSION,
        routers=[router],
        lifespan=_lifespan,
        ready=_ready,
    )


def create_app(work: Worker) -> FastAPI:
    """The status page of a running worker."""
    app = contract_app()
    app.state.work = work
    return app
