"""Reads a detector's outputs in the one way in which they can be meant, or says why there is none or more than one."""

from collections.abc import Sequence

from ai_worker.inference.predictors.family import ClassesDiffer, Family, LayoutUnclear, Raw, Reader
from ai_worker.inference.predictors.registry import FAMILIES
from ai_worker.inference.types import Boxes, ModelOutputUnfit


def read_boxes(raw: Raw, known: Family) -> tuple[Boxes, bool]:
    """The objects of one picture in pixels of the input, and whether the graph has suppressed them already."""
    reader = reader_of(raw, known)
    return reader.read(raw), reader.suppressed


def reader_of(raw: Raw, known: Family) -> Reader:
    """The reader of the layout that was settled, or else the only one whose shapes fit."""
    fitting = fitting_readers(raw, known)
    if len(fitting) > 1:
        raise unclear(raw, fitting)
    return fitting[0]


def fitting_readers(raw: Raw, known: Family) -> list[Reader]:
    """Every way in which the shapes allow these outputs to be read; at least one."""
    if not known.readers:
        raise ModelOutputUnfit(f"the predictor {known.name!r} finds no objects")
    fitting = [reader for reader in _allowed(raw, known) if reader.fits(raw)]
    if not fitting:
        raise _misfit(raw, known)
    return [reader for reader in fitting if not reader.last] or fitting


def unclear(raw: Raw, fitting: Sequence[Reader]) -> LayoutUnclear:
    """The question that somebody has to answer."""
    ways = " or as ".join(reader.expected(raw) for reader in fitting)
    options = " or ".join(f"--layout {reader.layout}" for reader in fitting)
    return LayoutUnclear(f"the output of one picture, {raw.seen()}, can be read as {ways}; say which: {options}")


def _allowed(raw: Raw, known: Family) -> tuple[Reader, ...]:
    if raw.layout is None:
        return known.readers
    chosen = tuple(reader for reader in known.readers if reader.layout == raw.layout)
    if not chosen:
        there = ", ".join(reader.layout for reader in known.readers)
        raise ModelOutputUnfit(f"the predictor {known.name!r} has no layout {raw.layout!r}; it has {there}")
    return chosen


def _misfit(raw: Raw, known: Family) -> ModelOutputUnfit:
    """What was seen, what was expected, and what may be the matter."""
    readers = [reader for reader in _allowed(raw, known) if not reader.last]
    told = f"the output of one picture is {raw.seen()}; expected {', or '.join(one.expected(raw) for one in readers)}"
    classes = next((found for one in readers if (found := one.classes_in(raw)) is not None), None)
    if classes is not None:
        given = "1 label was" if raw.classes == 1 else f"{raw.classes} labels were"
        told += f". Read as {known.name} it has {classes} classes, and {given} given"
    others = [
        family.name
        for family in FAMILIES.values()
        if family is not known and any(reader.fits(raw) for reader in family.readers if not reader.last)
    ]
    if others:
        told += f". As it lies it would fit --predictor {' or '.join(others)}"
    return ModelOutputUnfit(told) if classes is None else ClassesDiffer(told)
