"""The status page: health, what this machine is and holds, and the local switches drain, pause and resume."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from ai_worker.batches import queries
from ai_worker.batches.hand import Hand, Journey
from ai_worker.deps import MayOperate
from ai_worker.devices.hardware import Hardware
from ai_worker.devices.start_devices import model_memory
from ai_worker.results import queries as results
from trapper_kit.problems import Unauthenticated, Unavailable
from trapper_kit.web.app import build_app, problems
from trapper_kit.web.guards import public

router = APIRouter(tags=["worker"])
VERSION = version("ai-worker")


class ModelProved(BaseModel):
    """A model that ran its golden inputs in this process."""

    sha256: str
    provider: str
    device: str
    precision: str
    checksum: str
    difference: float


class DeviceInUse(BaseModel):
    """One thing that computes, and its inference process."""

    name: str
    hardware: str = Field(description="what its driver calls it; empty when it does not say")
    memory_bytes: int | None = Field(description="its own memory, or the machine's where it has none of its own")
    computes_on: str = Field(description="provider and device that computed when it was tried at the start")
    batches_aboard: int
    busy_seconds: float
    process_bytes: int | None
    confinement: dict[str, Any] = Field(
        description="what holds the process in, by subject; docs/workers.md explains it"
    )
    models_loaded: list[str]


class Info(BaseModel):
    """What this machine is."""

    worker_id: UUID
    version: str
    runtime: str
    instead_of: str | None = Field(description="what was asked for, when the processor stands in for it")
    because: str | None = Field(description="why it does")
    memory_bytes: int = Field(description="what the models of one batch may weigh; told to the Manager with each claim")
    manager_url: str
    manager_reached: bool
    closed_because: str | None
    standstill: str | None
    devices: list[DeviceInUse]
    models_on_disk: list[str]
    models_proved: list[ModelProved]
    models_unfit: dict[str, str] = Field(description="by sha256: why weights that lie here do not run")
    images_per_second: dict[str, float]
    model_images_per_second: dict[str, float]


class RunInHand(BaseModel):
    """One batch in hand."""

    batch_id: UUID
    attempt: int
    state: str
    total: int
    done: int
    here: bool = Field(description="whether its media and weights are on this machine")
    taken_along: bool = Field(description="whether its lease was asked for to last without a link")
    lease_seconds_left: float | None


class ResultRefused(BaseModel):
    """Results that the Manager would not have."""

    batch_id: UUID
    attempt: int
    problem: str | None


class TakeAlong(BaseModel):
    """What to take along to where there is no link."""

    model_config = ConfigDict(extra="forbid")

    hours: float = Field(gt=0, le=2160)
    batches: int = Field(ge=1, le=200)


class TakingAlong(BaseModel):
    """How far that is; `over` says why no more are taken."""

    hours: float
    batches_asked: int
    batches_taken: int
    over: str | None


class InHand(BaseModel):
    """What this machine holds."""

    runs: list[RunInHand]
    media_bytes: int = Field(description="of the batches in hand, on disk or on their way")
    taking_along: TakingAlong | None
    results_waiting: int
    results_waiting_bytes: int
    results_refused: list[ResultRefused]


class Switched(BaseModel):
    """Why nothing is claimed at the moment, or null."""

    closed_because: str | None


def hand_of(request: Request) -> Hand:
    """The world that the command made."""
    work: Hand = request.app.state.work
    return work


Held = Annotated[Hand, Depends(hand_of)]


@router.get("/info")
@public
async def info(work: Held) -> Info:
    """Devices, models and measured speed."""
    proved = [
        ModelProved(
            sha256=sha256,
            provider=proof.provider,
            device=proof.device,
            precision=proof.precision,
            checksum=proof.checksum,
            difference=proof.difference,
        )
        for (sha256, _), proof in work.proofs.items()
    ]
    return Info(
        worker_id=work.worker_id,
        version=VERSION,
        runtime=work.runtime,
        instead_of=work.chosen.instead_of or None,
        because=work.chosen.because or None,
        memory_bytes=model_memory(work.settings, work.chosen),
        manager_url=work.manager.http.base_url,
        manager_reached=not work.rhythm.away,
        closed_because=work.switches.closed(work.monotonic()),
        standstill=work.standstill(),
        devices=_devices(work),
        models_on_disk=list(work.store.on_disk()),
        models_proved=proved,
        models_unfit=work.unfit,
        images_per_second=work.speeds,
        model_images_per_second=work.model_speeds,
    )


def _devices(work: Hand) -> list[DeviceInUse]:
    found: list[DeviceInUse] = []
    tried = dict(zip(work.devices.each, work.trials, strict=False))
    for child in work.devices.each:
        name, trial = child.settings.device, tried.get(child)
        hardware = work.chosen.hardware.get(name, Hardware())
        found.append(
            DeviceInUse(
                name=name,
                hardware=hardware.name,
                memory_bytes=hardware.memory_bytes,
                computes_on="" if trial is None else f"{trial.provider}, {trial.device}",
                batches_aboard=child.aboard,
                busy_seconds=round(child.busy_seconds, 3),
                process_bytes=child.memory_bytes,
                confinement=child.confinement,
                models_loaded=list(child.loaded),
            )
        )
    return found


@router.get("/work")
@public
async def in_hand(work: Held) -> InHand:
    """Batches in hand and results that wait."""
    async with work.db() as db:
        runs = await queries.held(db)
        waiting, size = await results.waiting_bytes(db)
        refused = await results.refused(db)
    now = work.monotonic()
    return InHand(
        runs=[
            RunInHand(
                batch_id=run.batch_id,
                attempt=run.attempt,
                state=run.state.value,
                total=run.total,
                done=work.progress.get(run.id, 0),
                here=work.has_here(run.id),
                taken_along=run.offline_until is not None,
                lease_seconds_left=max(0.0, work.deadlines[run.id] - now) if run.id in work.deadlines else None,
            )
            for run in runs
        ],
        media_bytes=sum(work.booked.values()),
        taking_along=_journey(work),
        results_waiting=waiting,
        results_waiting_bytes=size,
        results_refused=[
            ResultRefused(batch_id=kept.batch_id, attempt=kept.attempt, problem=kept.problem) for kept in refused
        ],
    )


def _journey(work: Hand) -> TakingAlong | None:
    journey = work.journey
    if journey is None:
        return None
    return TakingAlong(
        hours=journey.seconds / 3600,
        batches_asked=journey.taken + journey.left,
        batches_taken=journey.taken,
        over=journey.over or None,
    )


@router.post("/take_along", dependencies=[MayOperate], responses=problems(Unauthenticated))
async def take_along(body: TakeAlong, work: Held) -> TakingAlong:
    """Lease so many batches more, for so long, and fetch all that they need, while there is a link."""
    work.journey = Journey(seconds=body.hours * 3600, left=body.batches)
    work.wakeups.wake("batches.claim")
    work.switches.changed.set()
    reply = _journey(work)
    assert reply is not None  # it was made just now  # noqa: S101
    return reply


@router.post("/drain", dependencies=[MayOperate], responses=problems(Unauthenticated))
async def drain(work: Held) -> Switched:
    """Claim nothing more, and finish what is in hand."""
    work.switches.draining = True
    return Switched(closed_because=work.switches.closed(work.monotonic()))


@router.post("/pause", dependencies=[MayOperate], responses=problems(Unauthenticated))
async def pause(work: Held) -> Switched:
    """Claim nothing until resumed."""
    work.switches.paused = True
    return Switched(closed_because=work.switches.closed(work.monotonic()))


@router.post("/resume", dependencies=[MayOperate], responses=problems(Unauthenticated))
async def resume(work: Held) -> Switched:
    """Undo drain and pause; those of the Manager stay."""
    work.switches.draining = work.switches.paused = False
    work.wakeups.wake("batches.claim")
    return Switched(closed_because=work.switches.closed(work.monotonic()))


async def _ready(request: Request) -> dict[str, Any]:
    work = hand_of(request)
    await work.database.check()
    if work.switches.revoked:
        raise Unavailable("the Manager does not accept this worker's credential; enrol it again")
    if not work.child_ready:
        raise Unavailable("the inference process has not started yet", retry_after=1)
    return {"runtime": work.runtime, "manager_reached": not work.rhythm.away}


@asynccontextmanager
async def _nothing_to_open(_app: FastAPI) -> AsyncGenerator[None, None]:
    """The command that runs the loops made the world, and takes it down."""
    yield


def contract_app() -> FastAPI:
    """The routes alone, for the contract; it has no world to answer from."""
    return build_app(
        service="ai_worker",
        title="TRAPPER AI Worker",
        version=VERSION,
        routers=[router],
        lifespan=_nothing_to_open,
        ready=_ready,
    )


def create_app(work: Hand) -> FastAPI:
    """The status page of a running worker."""
    app = contract_app()
    app.state.work = work
    return app
