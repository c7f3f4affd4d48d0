"""Chooses the devices and tests them; falls back to the processor only when a setting allows it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ai_worker.confinement.privileges import open_to_unprivileged
from ai_worker.devices.children import Children
from ai_worker.devices.hardware import Hardware, hardware_of, machine_memory
from ai_worker.devices.work import CannotRun, ChildSettings, DeviceTest, InferenceDied
from ai_worker.model_store.errors import ProviderUnavailable
from ai_worker.model_store.open_model import offered_runtimes
from ai_worker.model_store.places import CPU, KINDS, devices_of, runtime_of
from ai_worker.model_store.weights_store import WeightsStore
from ai_worker.settings import WorkerSettings
from trapper_kit.logs import log
from trapper_kit.problems import Problem

_OF_THE_MACHINE = 0.75
"""The rest is the system's and the worker's own: it must not be one of these that is ended when memory is short."""


class RuntimeUnavailable(Problem):
    type = "runtime-unavailable"
    title = "The chosen runtime is not available on this machine. Install it, or set AI_WORKER_RUNTIME to another"
    status = 409


@dataclass(frozen=True)
class Chosen:
    """The chosen devices; `instead_of` names the requested runtime when the processor replaces it."""

    runtime: str
    devices: tuple[str, ...]
    hardware: dict[str, Hardware]
    instead_of: str = ""
    because: str = ""


async def choose_devices(settings: WorkerSettings, enrolled_for: Sequence[str]) -> Chosen:
    """Returns the requested devices, or the best available; RuntimeUnavailable when there are none."""
    offered = offered_runtimes()
    runtime = settings.runtime or runtime_of(settings.devices, offered)
    if runtime is None and offered and not settings.devices:
        runtime = next((runtime for runtime in offered if runtime in enrolled_for), offered[0])
    if runtime is None or runtime not in offered:
        requested = settings.runtime or ", ".join(settings.devices) or "any runtime"
        because = f"asked for {requested}; this installation offers {', '.join(offered) or 'none'}"
        if settings.runtime is not None and settings.runtime not in KINDS:
            raise RuntimeUnavailable(because)
        return await processor_instead(settings, enrolled_for, requested, because)
    _check_enrolled(runtime, enrolled_for)
    try:
        devices = devices_of(runtime, settings.devices)
    except ProviderUnavailable as problem:
        raise RuntimeUnavailable(str(problem)) from problem
    return Chosen(runtime, devices, await hardware_of(runtime, devices))


async def processor_instead(
    settings: WorkerSettings, enrolled_for: Sequence[str], requested: str, because: str
) -> Chosen:
    """Returns the processor where the setting allows it; else raises RuntimeUnavailable with the reason."""
    if not settings.fall_back_to_cpu or requested == CPU or CPU not in offered_runtimes():
        raise RuntimeUnavailable(because)
    _check_enrolled(CPU, enrolled_for)
    log("runtime.fallen_back", level=logging.WARNING, requested=requested, problem=because)
    return Chosen(CPU, ("cpu",), await hardware_of(CPU, ("cpu",)), requested, because)


def _check_enrolled(runtime: str, enrolled_for: Sequence[str]) -> None:
    if enrolled_for and runtime not in enrolled_for:
        raise RuntimeUnavailable(
            f"{runtime} was chosen, and this worker is enrolled for {', '.join(enrolled_for)}: set AI_WORKER_RUNTIME, "
            "or remove credential.json and enrol again with a token for that runtime"
        )


def children_of(settings: WorkerSettings, chosen: Chosen) -> Children:
    """Returns the processes for these devices, not started yet."""
    each = ChildSettings(
        runtime=chosen.runtime,
        threads=settings.threads,
        batch_size=settings.batch_size,
        half=settings.half_precision,
        cache_dir=str(WeightsStore(settings.store_dir).built),
        pixel_budget_bytes=settings.pixel_budget_bytes,
        max_pixels=settings.picture_max_pixels,
        max_lost=settings.picture_max_lost,
        memory_limit_bytes=process_memory(settings, chosen),
        batches_per_child=settings.batches_per_child,
        batch_seconds=settings.batch_seconds,
        picture_seconds=settings.picture_seconds,
        confined=settings.confine_inference,
        readable=tuple(map(str, (settings.store_dir, settings.cache_dir, *settings.weights_dirs))),
    )
    open_to_unprivileged(settings.state_dir, settings.cache_dir)
    return Children.on(
        chosen.devices, each, names={device: hardware.name for device, hardware in chosen.hardware.items()}
    )


async def start_devices(
    settings: WorkerSettings, enrolled_for: Sequence[str], chosen: Chosen, children: Children
) -> tuple[Chosen, Children, tuple[DeviceTest, ...]]:
    """Returns started and tested processes; the processor's where that is allowed and needed."""
    try:
        return chosen, children, await _tested(children)
    except (CannotRun, InferenceDied) as problem:
        because = f"{chosen.runtime} does not run on {', '.join(chosen.devices)}: {problem}"
        chosen = await processor_instead(settings, enrolled_for, chosen.runtime, because)
    children = children_of(settings, chosen)
    try:
        return chosen, children, await _tested(children)
    except (CannotRun, InferenceDied) as problem:
        raise RuntimeUnavailable(f"neither {chosen.instead_of} nor the processor runs models: {problem}") from problem


async def _tested(children: Children) -> tuple[DeviceTest, ...]:
    try:
        await children.start()
        tests = await children.test_device()
    except BaseException:
        await children.close()
        raise
    for test in tests:
        log("device.computes", provider=test.provider, device=test.device, seconds=test.seconds)
    return tests


def process_memory(settings: WorkerSettings, chosen: Chosen) -> int:
    """Returns the memory limit of each inference process: as set, but never all of the machine."""
    machine = machine_memory()
    share = settings.memory_limit_bytes if machine is None else int(machine * _OF_THE_MACHINE / len(chosen.devices))
    return min(settings.memory_limit_bytes, share)


def model_memory(settings: WorkerSettings, chosen: Chosen) -> int:
    """Returns what the models of one batch may weigh: half of the smallest memory, device or process."""
    if settings.model_memory_bytes is not None:
        return settings.model_memory_bytes
    known = [hardware.memory_bytes for hardware in chosen.hardware.values() if hardware.memory_bytes is not None]
    return min([process_memory(settings, chosen), *known]) // 2
