"""Proves that a model runs on a device, before any work is claimed for it, and finds the devices there are."""

import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ai_worker.devices.work import CannotRun, Proof
from ai_worker.inference.predictors.family import Raw
from ai_worker.inference.predictors.registry import family
from ai_worker.model_store.golden import Golden, checksum, difference, run_golden
from ai_worker.model_store.inspect import check_file
from ai_worker.model_store.open_onnx import PROVIDERS, OpenSession, available_providers, open_session
from trapper_schemas.v1.models import ModelSpec

_MOST_DIFFERENT = {"float32": 0.02, "float16": 0.05, "uint8": 0.05}
"""How far an accelerator's numbers may lie from the processor's, relative to the largest; more is a broken device."""
_FLOOR = 0.01


@dataclass(frozen=True, slots=True)
class Device:
    """Something this machine could compute on; whether it works is proved per model."""

    runtime: str
    provider: str
    name: str


def detect_devices() -> list[Device]:
    """The runtimes of the catalogue that this installation offers, accelerators first."""
    there = available_providers()
    names = {"CPUExecutionProvider": platform.processor() or platform.machine()}
    return [
        Device(runtime, providers[0], names.get(providers[0], providers[0].removesuffix("ExecutionProvider")))
        for runtime, providers in reversed(PROVIDERS.items())
        if providers[0] in there
    ]


def prove_model(weights: Path, spec: ModelSpec, runtime: str, threads: int) -> dict[str, Any]:
    """Run the golden inputs on this runtime; an accelerator whose numbers differ from the processor's is CannotRun.

    Called in the child, so that what a model does to its process is nobody else's trouble.
    """
    check_file(weights)
    also = (spec.embedding.output,) if spec.embedding is not None else ()
    session = open_session(weights, providers=PROVIDERS[runtime], threads=threads, also=also)
    runs = _warm_run(session, spec)
    far = 0.0
    if runtime != "onnx-cpu":
        on_processor = open_session(weights, providers=PROVIDERS["onnx-cpu"], threads=threads, also=also)
        far = difference(runs, run_golden(on_processor, spec.preprocessing, time.perf_counter))
        if far > _MOST_DIFFERENT.get(session.precision, 0.02):
            raise CannotRun("device-differs", f"{session.provider} gives numbers {far:.1%} off the processor's")
    find = family(spec.predictor).find
    if find is not None:
        how = spec.preprocessing
        for run in runs:
            find(Raw(run.outputs, len(spec.labels), how.width, how.height, _FLOOR))
    return asdict(
        Proof(
            provider=session.provider,
            device=session.device,
            precision=session.precision,
            checksum=checksum(runs),
            seconds=min(run.seconds for run in runs),
            difference=far,
        )
    )


def _warm_run(session: OpenSession, spec: ModelSpec) -> list[Golden]:
    """The second of two runs: the first one pays for memory and kernels."""
    run_golden(session, spec.preprocessing, time.perf_counter)
    return run_golden(session, spec.preprocessing, time.perf_counter)
