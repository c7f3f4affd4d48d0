"""Tests that a model runs on a device, before work is claimed for it, and lists the devices."""

import math
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ai_worker.devices.work import CannotRun, SelfTest
from ai_worker.model_store.golden import Golden, compare_runs, difference, golden_run, run_golden
from ai_worker.model_store.inspect import check_file
from ai_worker.model_store.open_hailo import PROVIDER as HAILO_PROVIDER
from ai_worker.model_store.open_model import PlacedSession, offered_runtimes, open_model
from ai_worker.model_store.open_onnx import PROVIDERS
from ai_worker.model_store.places import CPU, HAILO, Place
from trapper_schemas.v1.models import GoldenRun, ModelSpec

_MOST_DIFFERENT = {"float32": 0.02, "float16": 0.05, "uint8": 0.05}
"""How far a device's numbers may lie from what they must be, relative to the largest; more is a broken device."""
_MOST_DIFFERENT_QUANTISED = 0.15
"""Whole numbers are rounded differently from one kind of processor to the next."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of this machine; whether it works is tested per model."""

    runtime: str
    provider: str
    name: str


def detect_devices() -> list[Device]:
    """Returns the runtimes that this installation offers, the default first."""
    names = {CPU: platform.processor() or platform.machine()}
    devices: list[Device] = []
    for runtime in offered_runtimes():
        provider = HAILO_PROVIDER if runtime == HAILO else PROVIDERS[runtime][0]
        devices.append(Device(runtime, provider, names.get(runtime, provider.removesuffix("ExecutionProvider"))))
    return devices


def self_test_model(
    session: PlacedSession, weights: Path, spec: ModelSpec, place: Place, published: GoldenRun | None = None
) -> dict[str, Any]:
    """Runs the golden inputs through this session; numbers that are too far off raise CannotRun.

    They must be those that were published with the model; where none were, an accelerator's must be the processor's,
    which runs no HEF file. Called in the child, so that what a model does to its process is nobody else's trouble.
    """
    quantised = place.runtime == HAILO or check_file(weights).quantised
    names = [axis.name for axis in session.outputs]
    runs = _warm_run(session, spec)
    ours = golden_run(names, spec, runs, provider=session.provider, precision=session.precision)
    far, beside = 0.0, ""
    if published is not None:
        far, beside = compare_runs(ours, published), f"the published run on {published.provider}"
    elif place.runtime not in {CPU, HAILO}:
        also = (spec.embedding.output,) if spec.embedding is not None else ()
        on_processor = open_model(weights, Place(threads=place.threads), also=also)
        far = difference(names, spec, runs, run_golden(on_processor, spec.preprocessing, time.perf_counter))
        beside = "our own run on the processor"
    most = max(_MOST_DIFFERENT.get(session.precision, 0.02), _MOST_DIFFERENT_QUANTISED if quantised else 0)
    if far > most:
        how_far = "other outputs than" if math.isinf(far) else f"numbers {far:.1%} off"
        raise CannotRun("device-differs", f"{session.provider} gives {how_far} {beside}; at most {most:.0%} is allowed")
    return asdict(
        SelfTest(
            provider=session.provider,
            device=session.device,
            precision=session.precision,
            checksum=ours.checksum,
            seconds=min(run.seconds for run in runs),
            difference=far,
            compared_with=beside,
        )
    )


def _warm_run(session: PlacedSession, spec: ModelSpec) -> list[Golden]:
    """Returns the second of two runs; the first one allocates memory and kernels."""
    run_golden(session, spec.preprocessing, time.perf_counter)
    return run_golden(session, spec.preprocessing, time.perf_counter)
