"""What this machine measures of itself: how busy its devices are, and what waits and lies on its disk."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import Gauge

from ai_worker.batches.hand import Hand
from ai_worker.batches.state import RunState
from trapper_schemas.v1.workers import DeviceLoad

HELD = Gauge("trapper_batches", "Batches in hand, by state", ["state"])
WAITING = Gauge("trapper_results_waiting", "Results that the Manager does not have yet")
SPOOL_BYTES = Gauge("trapper_spool_bytes", "Size of the results that the Manager does not have yet")
SPOOL_AGE = Gauge("trapper_spool_oldest_seconds", "Age of the oldest result in the spool, 0 when there is none")
CACHE_BYTES = Gauge("trapper_media_cache_bytes", "Media of the batches in hand, on disk or on their way")
WEIGHTS_BYTES = Gauge("trapper_weights_bytes", "Weights on disk")
WEIGHTS_FILES = Gauge("trapper_weights_files", "Models whose weights are on disk")
BUSY = Gauge("trapper_device_busy", "Share of the time since the last heartbeat with a batch aboard", ["device"])
MEMORY = Gauge("trapper_device_process_bytes", "Real memory of the inference process", ["device"])
CLOSED = Gauge("trapper_claims_closed", "1 while nothing is claimed, by the reason", ["reason"])
UNFIT = Gauge("trapper_models_unfit", "Models on disk that do not run here")
AWAY = Gauge("trapper_manager_away", "1 while the Manager does not answer")


async def measure(work: Hand, states: Mapping[str, int], waiting: tuple[int, int]) -> tuple[DeviceLoad, ...]:
    """Set every gauge, and say how each device has fared since the last time."""
    for state in RunState:
        HELD.labels(state.value).set(states.get(state.value, 0))
    WAITING.set(waiting[0])
    SPOOL_BYTES.set(waiting[1])
    SPOOL_AGE.set(await asyncio.to_thread(_oldest_seconds, work.settings.spool_dir))
    CACHE_BYTES.set(sum(work.booked.values()))
    WEIGHTS_BYTES.set(await asyncio.to_thread(work.store.size_bytes))
    WEIGHTS_FILES.set(len(work.store.on_disk()))
    AWAY.set(work.rhythm.away)
    UNFIT.set(len(work.unfit))
    CLOSED.clear()
    because = work.switches.closed(work.monotonic())
    if because is not None:
        CLOSED.labels(because.replace(" ", "_")).set(1)
    return _loads(work)


def _loads(work: Hand) -> tuple[DeviceLoad, ...]:
    now = work.monotonic()
    since, work.looked_at = work.looked_at or now, now
    loads: list[DeviceLoad] = []
    for child in work.devices.each:
        name, busy = child.settings.device, child.busy_seconds
        before, work.busy_then[name] = work.busy_then.get(name, 0.0), busy
        share = min(1.0, max(0.0, (busy - before) / (now - since))) if now > since else 0.0
        loads.append(DeviceLoad(name=name, busy=round(share, 3), memory_bytes=child.memory_bytes))
        BUSY.labels(name).set(share)
        MEMORY.labels(name).set(child.memory_bytes or 0)
    return tuple(loads)


def _oldest_seconds(folder: Path) -> float:
    with os.scandir(folder) as entries:
        times = [entry.stat().st_mtime for entry in entries if entry.name.endswith(".blob")]
    return max(0.0, time.time() - min(times)) if times else 0.0
