"""Makes a complete catalogue entry of a file and a request, and tests it by running it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ai_worker.inference.forward import forward
from ai_worker.inference.predictors import depth
from ai_worker.inference.predictors.family import Family
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import ModelOutputUnfit
from ai_worker.model_intake.read_request import (
    decide_labels,
    decide_preprocessing,
    read_request,
    renamed_labels,
)
from ai_worker.model_intake.settle_classifier import embedding_output, settle_classifier
from ai_worker.model_intake.settle_detector import settle_detector
from ai_worker.model_store.errors import ModelRefused, first_line
from ai_worker.model_store.golden import Golden, checksum, difference, golden_pictures, golden_run, run_golden
from ai_worker.model_store.inspect import Facts, check_file
from ai_worker.model_store.open_onnx import PROVIDERS, OpenSession, open_session
from trapper_schemas.v1.models import (
    Availability,
    GoldenRun,
    ModelEntry,
    ModelKind,
    ModelSpec,
    Preprocessing,
    Source,
)

_MOST_APART = 0.02
"""How far a picture's numbers may lie from those of the same picture in other company."""
_TASKS = {
    ModelKind.DETECTION: ("detect", "segment"),
    ModelKind.CLASSIFICATION: ("classify",),
    ModelKind.EMBEDDING: ("classify", "embed"),
}
"""What Ultralytics writes into files that may go by the kind."""
_TENSORFLOW = frozenset({"detection_boxes", "detection_scores", "detection_classes"})
"""What TensorFlow's detectors call their outputs, whose corners stand in another order."""
_CHUNK = 1 << 20


def register_model(
    path: Path, document: dict[str, Any], *, clock: Callable[[], float], threads: int = 1
) -> tuple[ModelEntry, dict[str, Any], GoldenRun]:
    """Returns the entry, the record of its run, and its golden run; ModelRefused says what is wrong."""
    request, known = read_request(document)
    facts = check_file(path)
    _check_task(facts, known)
    _check_origin(facts, known)
    labels = decide_labels(request, facts, known.kind)
    how = decide_preprocessing(request, facts, known)
    tapped = sorted(set(facts.inner_features.values())) if known.kind is ModelKind.CLASSIFICATION else []
    session = open_session(path, providers=PROVIDERS["onnx-cpu"], threads=threads, also=tapped, alone=facts.alone)
    runs = _run(session, how, clock)
    spec = ModelSpec(
        predictor=request.predictor,
        preprocessing=how,
        labels=labels,
        thresholds=known.thresholds,
        nms_iou=known.nms_iou,
    )
    match known.kind:
        case ModelKind.DETECTION:
            spec = settle_detector(known, spec, request, session, runs)
        case ModelKind.CLASSIFICATION:
            spec = settle_classifier(spec, request, facts, session, runs)
        case ModelKind.DEPTH:
            spec = _settle_depth(spec, request.output, session, runs)
        case _:
            spec = spec.model_copy(update={"embedding": embedding_output(session, runs, taken=None)})
    batch = _check_company(session, spec, runs)
    sha256, size = _sha256(path)
    entry = ModelEntry(
        name=request.name,
        version=request.version or sha256[:12],
        kind=known.kind,
        availability=Availability.READY,
        sha256=sha256,
        size_bytes=size,
        sources=(Source(file_name=f"{request.name}.onnx"),),
        spec=spec,
        licence=request.licence or "unknown",
    )
    record = _record(session, facts, spec, runs) | {"batch": batch, "labels_renamed": renamed_labels(facts, labels)}
    names, own = _as_the_worker_sees(session, spec, runs)
    return entry, record, golden_run(names, spec, own, provider=session.provider, precision=session.precision)


def _settle_depth(spec: ModelSpec, output_name: str, session: OpenSession, runs: Sequence[Golden]) -> ModelSpec:
    """Returns the spec with the output that is a depth map on every golden input."""
    names, map_output = [axis.name for axis in session.outputs], output_name or None
    for run in runs:
        try:
            map_output, _ = depth.read(run.outputs, names, map_output)
        except ModelOutputUnfit as problem:
            raise ModelRefused("layout", f"{problem}; golden input {run.name!r}") from problem
    return spec.model_copy(update={"output": map_output})


def _check_task(facts: Facts, known: Family) -> None:
    if facts.task and facts.task not in _TASKS.get(known.kind, ()):
        raise ModelRefused(
            "layout",
            f"the file was exported for the task {facts.task!r}; the predictor {known.name!r} reads "
            f"{' or '.join(_TASKS.get(known.kind, ()))}",
        )


def _check_origin(facts: Facts, known: Family) -> None:
    names = {axis.name.partition(":")[0].rpartition("/")[2] for axis in facts.outputs}
    if known.kind is ModelKind.DETECTION and names >= _TENSORFLOW:
        raise ModelRefused(
            "layout",
            f"the outputs {', '.join(sorted(_TENSORFLOW))} were seen, as TensorFlow's detectors write them: corners as "
            "top, left, bottom, right, and classes from 1; expected corners as left, top, right, bottom, and classes "
            "from 0, under other names",
        )


def _run(session: OpenSession, how: Preprocessing, clock: Callable[[], float]) -> list[Golden]:
    try:
        runs = run_golden(session, how, clock)
    except ModelOutputUnfit as problem:
        raise ModelRefused("layout", str(problem)) from problem
    except Exception as problem:  # a runtime raises what it likes
        if _is_out_of_memory(problem):
            raise ModelRefused("limits", "the model wants more memory than a trial is allowed") from problem
        raise ModelRefused(
            "does-not-run", f"the model does not run on {how.width} x {how.height}: {first_line(problem)}"
        ) from problem
    for run in runs:
        for axis, output in zip(session.outputs, run.outputs, strict=True):
            if np.issubdtype(output.dtype, np.floating) and np.isnan(output).any():
                raise ModelRefused("not-a-number", f"the output {axis.name} has NaN on the golden input {run.name!r}")
    return runs


def _is_out_of_memory(problem: Exception) -> bool:
    message = str(problem).lower()
    return isinstance(problem, MemoryError) or "allocate memory" in message or "bad_alloc" in message


def _check_company(session: OpenSession, spec: ModelSpec, runs: Sequence[Golden]) -> str:
    """Checks that a picture's numbers do not depend on the other pictures of its batch."""
    how = spec.preprocessing
    pictures = list(golden_pictures(how.width, how.height).values())[1:]
    tensors = [to_input(pixels, how)[0] for pixels in pictures]
    batched = session.input.shape[0] != 1
    try:
        outputs = forward(session, tensors if batched else tensors[:1])
    except ModelOutputUnfit as problem:
        raise ModelRefused(
            "batch", f"the file takes any number of pictures, and {problem}; export it with a fixed batch of 1"
        ) from problem
    except Exception as problem:
        if _is_out_of_memory(problem):
            raise ModelRefused("limits", "two pictures want more memory than a trial is allowed") from problem
        return "one at a time, although the file says otherwise"
    names = [axis.name for axis in session.outputs]
    again = [replace(run, outputs=rows) for run, rows in zip(runs[1:], outputs, strict=False)]
    apart = difference(names, spec, again, runs[1 : 1 + len(again)])
    if apart > _MOST_APART:
        raise ModelRefused(
            "batch",
            f"the same picture gives numbers {apart:.1%} apart "
            + ("alone and beside another; export it with a fixed batch of 1" if batched else "at a second run"),
        )
    return "together" if batched else "one at a time"


def _as_the_worker_sees(
    session: OpenSession, spec: ModelSpec, runs: Sequence[Golden]
) -> tuple[list[str], list[Golden]]:
    """Returns the file's own outputs and the one that is kept of those added for the test."""
    kept = [
        index
        for index, axis in enumerate(session.outputs)
        if axis.name not in session.tapped or (spec.embedding is not None and axis.name == spec.embedding.output)
    ]
    names = [session.outputs[index].name for index in kept]
    return names, [replace(run, outputs=[run.outputs[index] for index in kept]) for run in runs]


def _sha256(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _record(session: OpenSession, facts: Facts, spec: ModelSpec, runs: Sequence[Golden]) -> dict[str, Any]:
    how = spec.preprocessing
    return {
        "provider": session.provider,
        "opset": facts.opset,
        "producer": facts.producer,
        "input": {"name": session.input.name, "shape": list(session.input.shape), "dtype": session.input.dtype},
        "size": [how.width, how.height],
        "outputs": [
            {"name": axis.name, "shape": list(output.shape), "dtype": str(output.dtype)}
            for axis, output in zip(session.outputs, runs[0].outputs, strict=True)
        ],
        "activation": spec.activation,
        "golden": [{"input": run.name, "seconds": round(run.seconds, 4)} for run in runs],
        "checksum": checksum(runs),
    }
