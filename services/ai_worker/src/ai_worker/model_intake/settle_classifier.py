"""Finds a classifier's main output, its activation, and its features."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ai_worker.inference.predictors import classifier, embedding
from ai_worker.inference.types import ModelOutputUnfit
from ai_worker.model_intake.read_request import ModelRequest
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.golden import Golden
from ai_worker.model_store.inspect import Facts
from ai_worker.model_store.open_onnx import OpenSession
from trapper_schemas.v1.models import EmbeddingOutput, ModelSpec

_LEAST_SUM, _MOST_SUM = 0.7, 1.02
"""What probabilities add up to when they were rounded to 8 bits."""
_MAKE_LOGITS = frozenset({"Gemm", "MatMul", "Conv", "QLinearMatMul", "QGemm", "QLinearConv", "LogSoftmax"})
_MAKE_CONFIDENCES = frozenset({"Softmax", "Sigmoid", "QLinearSoftmax", "QLinearSigmoid"})
_BEST_COMPARED = 5
_MAX_FEATURES = 4000


def settle_classifier(
    spec: ModelSpec, request: ModelRequest, facts: Facts, session: OpenSession, runs: Sequence[Golden]
) -> ModelSpec:
    main = _main_output(request, session, runs, len(spec.labels))
    rows = [_row(session, run, main) for run in runs]
    if not np.issubdtype(rows[0].dtype, np.floating):
        raise ModelRefused(
            "confidences",
            f"the output {main} holds whole numbers ({rows[0].dtype}); expected float32 or float16: export it with "
            "what turns them back into numbers (DequantizeLinear) at its end",
        )
    spec = spec.model_copy(
        update={
            "output": main,
            "activation": _activation(request, facts.last_operators.get(main, ""), rows),
            "embedding": embedding_output(session, runs, taken=main, inner=facts.inner_features.get(main)),
        }
    )
    for row in rows:
        try:
            classifier.read(row, spec)
        except ModelOutputUnfit as problem:
            raise ModelRefused("confidences", str(problem)) from problem
    return spec


def _main_output(request: ModelRequest, session: OpenSession, runs: Sequence[Golden], classes: int) -> str:
    declared = [axis.name for axis in session.outputs if axis.name not in session.tapped]
    shapes = {name: _row(session, runs[0], name).shape for name in declared}
    seen = ", ".join(f"{name} {'x'.join(map(str, shape)) or '1'}" for name, shape in shapes.items())
    if request.output and request.output not in shapes:
        raise ModelRefused("request", f"there is no output {request.output!r}; there are {seen}")
    considered = [request.output] if request.output else declared
    fitting = [name for name in considered if _length(shapes[name]) == classes]
    if not fitting:
        raise ModelRefused(
            "labels", f"outputs of one picture: {seen}; {classes} labels were given, and none of them has {classes}"
        )
    named = [name for name in fitting if any(word in name.lower() for word in ("logit", "prob", "class", "score"))]
    if len(fitting) == 1 or len(named) == 1:
        return (named or fitting)[0]
    if _say_the_same(session, runs, named or fitting):
        return (named or fitting)[0]
    raise ModelRefused(
        "ambiguous",
        f"the outputs {', '.join(fitting)} all have one number for each label; say which: --output {fitting[0]}",
    )


def _say_the_same(session: OpenSession, runs: Sequence[Golden], names: Sequence[str]) -> bool:
    """Returns whether all outputs rank the labels alike, such as logits beside probabilities."""
    orders = [
        tuple(
            tuple(np.argsort(-np.asarray(_row(session, run, name), np.float64).reshape(-1))[:_BEST_COMPARED])
            for run in runs
        )
        for name in names
    ]
    return len(set(orders)) == 1


def _length(shape: tuple[int, ...]) -> int | None:
    """Returns the length when all other sides are 1; else None."""
    return max(shape, default=1) if sum(side != 1 for side in shape) <= 1 else None


def _activation(
    request: ModelRequest, last_operator: str, rows: Sequence[Any]
) -> Literal["none", "softmax", "sigmoid"]:
    """Returns the requested activation; else what the graph's end shows, else what the numbers show."""
    if request.activation != "auto":
        return request.activation
    if last_operator in _MAKE_CONFIDENCES:
        return "none"
    sums = [float(np.asarray(row, dtype=np.float64).sum()) for row in rows]
    lowest = min(float(np.asarray(row).min()) for row in rows)
    highest = max(float(np.asarray(row).max()) for row in rows)
    add_up = lowest >= 0 and all(_LEAST_SUM <= total <= _MOST_SUM for total in sums)
    if add_up and last_operator not in _MAKE_LOGITS:
        return "none"
    if add_up or (lowest >= 0 and highest <= 1 and last_operator not in _MAKE_LOGITS):
        raise ModelRefused(
            "ambiguous",
            f"values from {lowest:.3g} to {highest:.3g} that add up to {min(sums):.3g} to {max(sums):.3g} were seen "
            f"behind {last_operator or 'no operator'}: logits or confidences? Say which: --activation softmax, or "
            "--activation none",
        )
    return "softmax"


def embedding_output(
    session: OpenSession, runs: Sequence[Golden], *, taken: str | None, inner: str | None = None
) -> EmbeddingOutput | None:
    """Returns another output with one row of features; else the input of the last layer."""
    order = [axis.name for axis in session.outputs if axis.name not in {taken, *session.tapped}]
    order = [name for name in order if not any(word in name.lower() for word in ("logit", "prob"))]
    order += [inner] if inner is not None else []
    for name in order:
        row = _row(session, runs[0], name)
        length = _length(row.shape)
        if np.issubdtype(row.dtype, np.floating) and length is not None and 1 < length <= _MAX_FEATURES:
            try:
                for run in runs:
                    embedding.read(_row(session, run, name), length)
            except ModelOutputUnfit as problem:
                raise ModelRefused("not-a-number", f"{problem}; output {name}") from problem
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
