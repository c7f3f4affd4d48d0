"""From a file and a few words about it to a complete catalogue entry, proved by running it."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ai_worker.inference.predictors import classifier, embedding
from ai_worker.inference.predictors.family import Family, Raw
from ai_worker.inference.types import ModelOutputUnfit
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.golden import Golden, checksum, run_golden
from ai_worker.model_store.inspect import Facts, check_file
from ai_worker.model_store.open_onnx import PROVIDERS, OpenSession, first_line, open_session
from ai_worker.model_store.read_request import (
    ModelRequest,
    decide_labels,
    decide_preprocessing,
    read_request,
)
from trapper_schemas.v1.models import (
    Availability,
    EmbeddingOutput,
    ModelEntry,
    ModelKind,
    ModelSpec,
    Preprocessing,
    Source,
)

_GOLDEN_FLOOR = 0.01
_LEAST_SUM, _MOST_SUM = 0.7, 1.02
"""What probabilities add up to when they were rounded to 8 bits."""
_MAX_FEATURES = 4000
_CHUNK = 1 << 20


def register_model(
    path: Path, document: dict[str, Any], *, clock: Callable[[], float]
) -> tuple[ModelEntry, dict[str, Any]]:
    """The entry and the proof that it runs; ModelRefused says what was seen and what was expected."""
    request, known = read_request(document)
    facts = check_file(path)
    labels = decide_labels(request, facts, known.kind)
    how = decide_preprocessing(request, facts, known)
    tapped = sorted(set(facts.inner_features.values())) if known.kind is ModelKind.CLASSIFICATION else []
    session = open_session(path, providers=PROVIDERS["onnx-cpu"], also=tapped)
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
            _prove_detector(known, spec, runs)
        case ModelKind.CLASSIFICATION:
            spec = _classifier_spec(spec, request, facts, session, runs)
        case _:
            spec = spec.model_copy(update={"embedding": _embedding_output(session, runs, taken=None)})
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
    return entry, _proof(session, facts, spec, runs)


def _run(session: OpenSession, how: Preprocessing, clock: Callable[[], float]) -> list[Golden]:
    try:
        runs = run_golden(session, how, clock)
    except ModelOutputUnfit as problem:
        raise ModelRefused("layout", str(problem)) from problem
    except Exception as problem:  # a runtime raises what it likes
        raise ModelRefused(
            "does-not-run", f"the model does not run on {how.width} x {how.height}: {first_line(problem)}"
        ) from problem
    for run in runs:
        for axis, output in zip(session.outputs, run.outputs, strict=True):
            if np.issubdtype(output.dtype, np.floating) and np.isnan(output).any():
                raise ModelRefused("not-a-number", f"the output {axis.name} has NaN on the golden input {run.name!r}")
    return runs


def _prove_detector(known: Family, spec: ModelSpec, runs: Sequence[Golden]) -> None:
    if known.find is None:
        raise ModelRefused("request", f"the predictor {known.name!r} finds no objects")
    how = spec.preprocessing
    for run in runs:
        try:
            known.find(Raw(run.outputs, len(spec.labels), how.width, how.height, _GOLDEN_FLOOR))
        except ModelOutputUnfit as problem:
            reason = "confidences" if "confidences" in str(problem) else "layout"
            raise ModelRefused(reason, f"{problem}; golden input {run.name!r}, {len(spec.labels)} labels") from problem


def _classifier_spec(
    spec: ModelSpec, request: ModelRequest, facts: Facts, session: OpenSession, runs: Sequence[Golden]
) -> ModelSpec:
    main = _main_output(session, runs, len(spec.labels))
    rows = [_row(session, run, main) for run in runs]
    spec = spec.model_copy(
        update={
            "output": main,
            "activation": _activation(request, facts.last_operators.get(main, ""), rows),
            "embedding": _embedding_output(session, runs, taken=main, inner=facts.inner_features.get(main)),
        }
    )
    for row in rows:
        try:
            classifier.read(row, spec)
        except ModelOutputUnfit as problem:
            raise ModelRefused("confidences", str(problem)) from problem
    return spec


def _main_output(session: OpenSession, runs: Sequence[Golden], classes: int) -> str:
    declared = [axis for axis in session.outputs if axis.name not in session.tapped]
    shapes = {axis.name: _row(session, runs[0], axis.name).shape for axis in declared}
    fitting = [name for name, shape in shapes.items() if _length(shape) == classes]
    if not fitting:
        seen = ", ".join(f"{name} {'x'.join(map(str, shape)) or '1'}" for name, shape in shapes.items())
        raise ModelRefused("labels", f"outputs of one picture: {seen}; expected one of {classes}, one for each label")
    return next((name for name in fitting if "logit" in name.lower() or "prob" in name.lower()), fitting[0])


def _length(shape: tuple[int, ...]) -> int | None:
    """How many numbers, when all but one side are 1; else None."""
    return max(shape, default=1) if sum(side != 1 for side in shape) <= 1 else None


def _activation(request: ModelRequest, last_operator: str, rows: Sequence[Any]) -> Literal["none", "softmax"]:
    if request.activation != "auto":
        return request.activation
    if last_operator in ("Softmax", "Sigmoid"):
        return "none"
    sums = [float(np.asarray(row, dtype=np.float64).sum()) for row in rows]
    lowest = min(float(np.asarray(row).min()) for row in rows)
    are_probabilities = lowest >= 0 and all(_LEAST_SUM <= total <= _MOST_SUM for total in sums)
    return "none" if are_probabilities else "softmax"


def _embedding_output(
    session: OpenSession, runs: Sequence[Golden], *, taken: str | None, inner: str | None = None
) -> EmbeddingOutput | None:
    """Another output with one row of features; failing that, what goes into a classifier's last layer."""
    order = [axis.name for axis in session.outputs if axis.name not in {taken, *session.tapped}]
    order += [inner] if inner is not None else []
    for name in order:
        row = _row(session, runs[0], name)
        length = _length(row.shape)
        if np.issubdtype(row.dtype, np.floating) and length is not None and 1 < length <= _MAX_FEATURES:
            for run in runs:
                embedding.read(_row(session, run, name), length)
            return EmbeddingOutput(output=name, dimension=length)
    if taken is None:
        seen = ", ".join(
            f"{axis.name} {'x'.join(map(str, _row(session, runs[0], axis.name).shape))}" for axis in session.outputs
        )
        raise ModelRefused("layout", f"outputs of one picture: {seen}; expected one row of up to {_MAX_FEATURES}")
    return None


def _row(session: OpenSession, run: Golden, name: str) -> Any:
    index = next(index for index, axis in enumerate(session.outputs) if axis.name == name)
    return run.outputs[index]


def _sha256(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _proof(session: OpenSession, facts: Facts, spec: ModelSpec, runs: Sequence[Golden]) -> dict[str, Any]:
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
