"""Measures this machine: the load of its devices, what waits, and what is on its disk."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import Gauge

from ai_worker.batches.worker import Worker
from ai_worker.leases.runs import RunState
from trapper_schemas.v1.workers import DeviceLoad

HELD = Gauge("trapper_batches", "Runs, by state", ["state"])
WAITING = Gauge("trapper_results_waiting", "Results that the Manager does not have yet")
SPOOL_BYTES = Gauge("trapper_spool_bytes", "Size of the results that the Manager does not have yet")
SPOOL_AGE = Gauge("trapper_spool_oldest_seconds", "Age of the oldest result in the spool, 0 when there is none")
CACHE_BYTES = Gauge("trapper_media_cache_bytes", "Media of unfinished batches, on disk or on their way")
WEIGHTS_BYTES = Gauge("trapper_weights_bytes", "Weights on disk")
WEIGHTS_FILES = Gauge("trapper_weights_files", "Models whose weights are on disk")
BUSY = Gauge("trapper_device_busy", "Share of the time since the last heartbeat in which it had a batch", ["device"])
MEMORY = Gauge("trapper_device_process_bytes", "Real memory of the inference process", ["device"])
CLOSED = Gauge("trapper_claims_closed", "1 while nothing is claimed, by the reason", ["reason"])
UNFIT = Gauge("trapper_models_unfit", "Models on disk that do not run here")
AWAY = Gauge("trapper_manager_away", "1 while the Manager does not answer")


async def measure(work: Worker, states: Mapping[str, int], waiting: tuple[int, int]) -> tuple[DeviceLoad, ...]:
    """Set every gauge; returns the load of each device since the last call."""
    for state in RunState:
        HELD.labels(state.value).set(states.get(state.value, 0))
    WAITING.set(waiting[0])
    SPOOL_BYTES.set(waiting[1])
    SPOOL_AGE.set(await asyncio.to_thread(_oldest_seconds, work.settings.spool_dir))
    CACHE_BYTES.set(work.runs.media_bytes)
    WEIGHTS_BYTES.set(await asyncio.to_thread(work.store.size_bytes))
    WEIGHTS_FILES.set(len(work.store.on_disk()))
    AWAY.set(work.rhythm.away)
    UNFIT.set(len(work.self_tests.failed))
    CLOSED.clear()
    reason = work.closed()
    if reason is not None:
        CLOSED.labels(reason.replace(" ", "_")).set(1)
    return _loads(work)


def _loads(work: Worker) -> tuple[DeviceLoad, ...]:
    now, devices = work.monotonic(), work.devices
    since, devices.measured_at = devices.measured_at or now, now
    loads: list[DeviceLoad] = []
    for child in devices.children.each:
        name, busy = child.settings.device, child.busy_seconds
        before, devices.busy_before[name] = devices.busy_before.get(name, 0.0), busy
        share = min(1.0, max(0.0, (busy - before) / (now - since))) if now > since else 0.0
        loads.append(DeviceLoad(name=name, busy=round(share, 3), memory_bytes=child.memory_bytes))
        BUSY.labels(name).set(share)
        MEMORY.labels(name).set(child.memory_bytes or 0)
    return tuple(loads)


def _oldest_seconds(folder: Path) -> float:
    with os.scandir(folder) as entries:
        times = [entry.stat().st_mtime for entry in entries if entry.name.endswith(".blob")]
    return max(0.0, time.time() - min(times)) if times else 0.0
