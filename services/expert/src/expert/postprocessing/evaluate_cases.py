"""Answers what class masking and rank roll-up decide for cases, with the code of the methods, and no database.

`python -m expert.postprocessing.evaluate_cases METHOD` reads the cases from standard input.
"""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator

from expert.postprocessing.mask_classes import INVALID, mask_rows
from expert.postprocessing.roll_up_ranks import (
    DEFAULT_THRESHOLDS,
    RollUpMode,
    Thresholds,
    lower_case,
    rank_candidates,
    roll_up_rows,
)
from expert.taxa.state import RANKS, TaxonRank


class CasesUnreadable(Exception):  # noqa: N818 - named after what is the case
    """The text is no document with cases."""


Answer = dict[str, JsonValue]
"""What is written for a case."""
Probability = Annotated[float, Field(ge=0, le=1)]


def _known_ranks(mapping: object) -> object:
    lowered = lower_case(mapping)
    return {key: value for key, value in lowered.items() if key in RANKS} if isinstance(lowered, dict) else lowered


Lineage = Annotated[dict[TaxonRank, str | None], BeforeValidator(_known_ranks)]


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str | int


class MaskingCase(_Case):
    """One row of logits or probabilities, the labels of its model, and those that the mask allows."""

    labels: list[str] = Field(min_length=1)
    probabilities: list[Probability] | None = None
    logits: list[float] | None = None
    allowed: list[str]
    reweight: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.probabilities is None) == (self.logits is None):
            raise ValueError("give either probabilities or logits")
        values = self.probabilities if self.logits is None else self.logits
        _check_length(len(values or ()), len(self.labels), "probabilities" if self.logits is None else "logits")
        if not set(self.allowed) & set(self.labels):
            raise ValueError("allowed has none of the labels, so no class is kept")
        return self

    def decide(self) -> Answer:
        """The winning label with its score; a null label when every allowed probability is 0."""
        if self.logits is None:
            with np.errstate(divide="ignore"):
                logits = np.log(np.array([self.probabilities], np.float64))
        else:
            logits = np.array([self.logits], np.float64)
        allowed = set(self.allowed)
        kept = np.flatnonzero([label in allowed for label in self.labels])
        masked = mask_rows(logits, kept, reweight=self.reweight)
        winner = int(masked.winners[0])
        if winner == INVALID:
            raise ValueError("the logits hold NaN or +infinity")
        if winner < 0:
            return {"label": None, "score": None}
        return {"label": self.labels[winner], "score": float(masked.scores[0])}


class LabelLineage(BaseModel):
    """A label of a model and the names of its taxon and its ancestors by rank."""

    model_config = ConfigDict(extra="forbid")

    label: str
    lineage: Lineage = Field(default_factory=dict)


class RollUpCase(_Case):
    """The scores of one row, the lineages of its model's labels, and the thresholds of the ranks."""

    labels: list[LabelLineage] = Field(min_length=1)
    scores: list[Probability | None] | None
    thresholds: Thresholds = Field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))
    mode: RollUpMode = RollUpMode.LINEAGE
    strictly_above: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scores is not None:
            _check_length(len(self.scores), len(self.labels), "scores")
        return self

    def decide(self) -> Answer:
        """The rank that is reached, with its taxon and score; null when no rank qualifies."""
        lineages = [{rank: name for rank, name in label.lineage.items() if name} for label in self.labels]
        probabilities = np.array([[score or 0.0 for score in self.scores or [0.0] * len(self.labels)]])
        (result,) = roll_up_rows(
            probabilities,
            rank_candidates(lineages, list(self.thresholds)),
            self.thresholds,
            mode=self.mode,
            strictly_above=self.strictly_above,
        )
        if result is None:
            return {"rank": None, "taxon": None, "score": None}
        return {"rank": result.rank.value, "taxon": result.taxon, "score": result.score}


METHODS: dict[str, tuple[type[MaskingCase | RollUpCase], tuple[str, ...]]] = {
    "class_masking": (MaskingCase, ("label", "score")),
    "rank_rollup": (RollUpCase, ("rank", "taxon", "score")),
}
"""The schema of a method's cases, and the fields of its answers."""


def evaluate_cases(method: str, text: bytes) -> tuple[list[Answer], list[str]]:
    """The answers to the cases of a JSON document, and a sentence for each case that is refused.

    Raises CasesUnreadable when the text is no document with cases.
    """
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise CasesUnreadable(f"it is no JSON: {problem}") from None
    rows: object = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise CasesUnreadable('it has no list of cases; write {"cases": [{"id": …}]}')
    refused: list[str] = []
    return [_answer(method, number, row, refused.append) for number, row in enumerate(rows)], refused


def _answer(method: str, number: int, row: object, refuse: Callable[[str], None]) -> Answer:
    schema, fields = METHODS[method]
    case_id = row.get("id") if isinstance(row, dict) else None
    try:
        case = schema.model_validate(row)
        return {"id": case.id, **case.decide()}
    except ValueError as problem:
        reason = _reason(problem)
    refuse(f"case {number} (id {case_id}): {reason}")
    return {"id": case_id, **dict.fromkeys(fields), "error": reason}


def _reason(problem: ValueError) -> str:
    if not isinstance(problem, ValidationError):
        return str(problem)
    error = problem.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _check_length(length: int, labels: int, name: str) -> None:
    if length != labels:
        raise ValueError(f"{name} has {length} values for {labels} labels")


def main(method: str) -> int:
    """Writes the answers to standard output, reasons to standard error; 1 when the text or a case is refused."""
    try:
        answers, refused = evaluate_cases(method, sys.stdin.buffer.read())
    except CasesUnreadable as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(json.dumps({"cases": answers}, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    sys.stderr.writelines(f"{sentence}\n" for sentence in refused)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
