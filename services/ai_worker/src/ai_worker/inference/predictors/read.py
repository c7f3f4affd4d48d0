"""Reads a detector's outputs in the only possible layout, or says why there is none or more than one."""

from collections.abc import Sequence

from ai_worker.inference.predictors.family import ClassesDiffer, Family, LayoutUnclear, Raw, Reader
from ai_worker.inference.predictors.registry import FAMILIES
from ai_worker.inference.types import Boxes, ModelOutputUnfit


def read_boxes(raw: Raw, known: Family) -> tuple[Boxes, bool]:
    """Returns the objects of one picture in pixels of the input, and whether they are suppressed already."""
    reader = reader_of(raw, known)
    return reader.read(raw), reader.suppressed


def reader_of(raw: Raw, known: Family) -> Reader:
    """Returns the reader of the settled layout, or the only one whose shapes fit."""
    fitting = fitting_readers(raw, known)
    if len(fitting) > 1:
        raise unclear(raw, fitting)
    return fitting[0]


def fitting_readers(raw: Raw, known: Family) -> list[Reader]:
    """Returns every reader whose shapes fit; at least one."""
    if not known.readers:
        raise ModelOutputUnfit(f"the predictor {known.name!r} finds no objects")
    fitting = [reader for reader in _allowed(raw, known) if reader.fits(raw)]
    if not fitting:
        raise _misfit(raw, known)
    return [reader for reader in fitting if not reader.last] or fitting


def unclear(raw: Raw, fitting: Sequence[Reader]) -> LayoutUnclear:
    """Returns the error that asks which layout is meant."""
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
    """Returns the error that says what was seen, what was expected, and what may be wrong."""
    readers = [reader for reader in _allowed(raw, known) if not reader.last]
    expected = ", or ".join(reader.expected(raw) for reader in readers)
    message = f"the output of one picture is {raw.seen()}; expected {expected}"
    classes = next((count for reader in readers if (count := reader.classes_in(raw)) is not None), None)
    if classes is not None:
        given = "1 label was" if raw.classes == 1 else f"{raw.classes} labels were"
        message += f". Read as {known.name} it has {classes} classes, and {given} given"
    fitting = [
        family.name
        for family in FAMILIES.values()
        if family is not known and any(reader.fits(raw) for reader in family.readers if not reader.last)
    ]
    if fitting:
        message += f". As it lies it would fit --predictor {' or '.join(fitting)}"
    return ModelOutputUnfit(message) if classes is None else ClassesDiffer(message)
