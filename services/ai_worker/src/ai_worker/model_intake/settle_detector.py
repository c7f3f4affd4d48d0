"""Settles from golden runs how a detector's outputs are read; what stays open is refused, not guessed."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ai_worker.inference.detect import raw_of
from ai_worker.inference.predictors.family import (
    ClassesDiffer,
    Family,
    LayoutUnclear,
    NotConfidences,
    Raw,
    Reader,
    Unit,
    UnitDiffers,
)
from ai_worker.inference.predictors.read import fitting_readers, read_boxes, reader_of, unclear
from ai_worker.inference.predictors.suppressed import NUMBERED, RANKED, looks_ranked, looks_suppressed, table_of
from ai_worker.inference.types import ModelOutputUnfit, Tensor
from ai_worker.model_intake.read_request import ModelRequest
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.golden import Golden
from ai_worker.model_store.open_onnx import OpenSession
from trapper_schemas.v1.models import Layout, ModelSpec

_LEAST_SCORE = 1e-6
"""Everything but what fills a table up is looked at."""
_TRIES = 3
_ANY_CLASS = 65_000
_READS_AS: Mapping[Layout, Callable[[Tensor, int], bool | None]] = {
    "end-to-end": looks_suppressed,
    "ranked": looks_ranked,
}
"""Layouts of one shape that only numbers tell apart."""


def settle_detector(
    known: Family, spec: ModelSpec, request: ModelRequest, session: OpenSession, runs: Sequence[Golden]
) -> ModelSpec:
    """Returns the spec with layout, unit and activation; ModelRefused says what does not fit."""
    if request.activation == "softmax":
        raise ModelRefused("request", "activation softmax is for classifiers; a detector takes none or sigmoid")
    names = [axis.name for axis in session.outputs]
    spec = spec.model_copy(
        update={
            "activation": "sigmoid" if request.activation == "sigmoid" else "none",
            "output": request.output or None,
            "layout": None if request.layout == "auto" else request.layout,
            "boxes": None if request.boxes == "auto" else request.boxes,
        }
    )
    try:
        spec = spec.model_copy(update={"layout": _layout(known, spec, names, runs)})
        if spec.activation == "sigmoid" and reader_of(_raw(spec, names, runs[0]), known).final:
            raise ModelRefused("request", "activation sigmoid: what is suppressed in the graph has its final scores")
        for _ in range(_TRIES):
            problem = _first_problem(known, spec, names, runs)
            if problem is None:
                return spec
            usual = fitting_readers(_raw(spec, names, runs[0]), known)[0].unit
            spec = _mended(known, spec, request, problem, usual)
    except LayoutUnclear as problem:
        raise ModelRefused("ambiguous", str(problem)) from problem
    except ClassesDiffer as problem:
        raise ModelRefused("labels", str(problem)) from problem
    except NotConfidences as problem:
        raise ModelRefused("confidences", str(problem)) from problem
    except ModelOutputUnfit as problem:
        raise ModelRefused("layout", str(problem)) from problem
    raise ModelRefused("layout", f"the outputs fit no reading that the predictor {known.name!r} knows")


def _raw(spec: ModelSpec, names: Sequence[str], run: Golden) -> Raw:
    return raw_of(run.outputs, spec, names=names, floor=_LEAST_SCORE)


def _layout(known: Family, spec: ModelSpec, names: Sequence[str], runs: Sequence[Golden]) -> Layout | None:
    """Returns the requested layout, or the one that shapes and numbers show; None where shapes suffice."""
    raws = [_raw(spec, names, run) for run in runs]
    fitting = fitting_readers(raws[0], known)
    if _is_numbered(known, spec, raws, fitting):
        return NUMBERED.layout
    layouts: list[Layout] = [reader.layout for reader in fitting]
    tables: list[Layout] = [layout for layout in layouts if layout in _READS_AS]
    undecidable: list[Layout] = [layout for layout in layouts if layout not in _READS_AS]
    reads = {layout: _reads_as(layout, raws, len(spec.labels)) for layout in tables}
    if None in reads.values() and len(fitting) > 1:  # nothing was found, so that the numbers tell nothing
        raise unclear(raws[0], fitting)
    chosen: list[Layout] = [layout for layout in tables if reads[layout]] or undecidable
    if len(fitting) == 1 and (chosen or None in reads.values()):
        return spec.layout
    if not chosen:
        expected = " or ".join(reader.expected(raws[0]) for reader in fitting)
        ranked = _reads_as("ranked", raws, len(spec.labels))
        hint = f"; they read as {RANKED.expected(raws[0])}: --predictor rtdetr" if ranked else ""
        raise ModelOutputUnfit(f"the rows that were seen do not read as {expected}{hint}")
    if len(chosen) > 1:
        raise unclear(raws[0], fitting)
    return chosen[0]


def _is_numbered(known: Family, spec: ModelSpec, raws: Sequence[Raw], fitting: Sequence[Reader]) -> bool:
    """Returns whether what looks like candidates begins with the picture's number."""
    if spec.layout is not None or NUMBERED not in known.readers or NUMBERED in fitting:
        return False
    if not all(NUMBERED.fits(raw) for raw in raws):
        return False
    numbered = _reads_as(NUMBERED.layout, raws, len(spec.labels))
    if numbered is None:
        raise unclear(raws[0], [*fitting, NUMBERED])
    return numbered


def _reads_as(layout: Layout, raws: Sequence[Raw], classes: int) -> bool | None:
    """Returns whether the tables read so; None when no golden input has objects."""
    rows = np.concatenate([table_of(raw) for raw in raws])
    reads = _READS_AS[layout](rows, classes)
    if reads is False and _READS_AS[layout](rows, _ANY_CLASS):
        given = "1 label was" if classes == 1 else f"{classes} labels were"
        raise ClassesDiffer(f"class {rows[:, 5].max():g} was seen on a golden input, and {given} given")
    return reads


def _first_problem(
    known: Family, spec: ModelSpec, names: Sequence[str], runs: Sequence[Golden]
) -> ModelOutputUnfit | None:
    for run in runs:
        try:
            read_boxes(_raw(spec, names, run), known)
        except (UnitDiffers, NotConfidences) as problem:
            return problem
    return None


def _mended(known: Family, spec: ModelSpec, request: ModelRequest, problem: ModelOutputUnfit, usual: Unit) -> ModelSpec:
    """Returns the spec changed for the problem; raises the problem where that would be a guess."""
    if isinstance(problem, UnitDiffers) and request.boxes == "auto" and spec.boxes is None and usual == "pixels":
        return spec.model_copy(update={"boxes": "fractions"})
    can_be_logits = known.logits_usual and request.activation == "auto" and spec.activation == "none"
    if isinstance(problem, NotConfidences) and can_be_logits:
        return spec.model_copy(update={"activation": "sigmoid"})
    raise problem
