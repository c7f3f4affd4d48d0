"""Reads the raw outputs of the later stages into what is kept of one crop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ai_worker.inference.detect import spec_of
from ai_worker.inference.predictors import classifier, embedding
from ai_worker.inference.types import Classified, Floats, ModelOutputUnfit, OpenStage, Tensor
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import NO_LABEL


@dataclass(frozen=True, slots=True)
class CropPrediction:
    """The predictions of the later stages for one crop."""

    classification: classifier.Probabilities | None = None
    features: Floats | None = None


def read_crop(outputs: Sequence[Sequence[Tensor]], stages: Sequence[OpenStage]) -> CropPrediction:
    """Returns one crop's prediction; features of an embedding stage override those of the classifier."""
    classification: classifier.Probabilities | None = None
    features: Floats | None = None
    for stage, rows in zip(stages, outputs, strict=True):
        spec = spec_of(stage.spec)
        named = {axis.name: row for axis, row in zip(stage.session.outputs, rows, strict=True)}
        if stage.spec.stage.kind is ModelKind.CLASSIFICATION:
            classification = classifier.read(named[_main_output(stage, named)], spec)
        if spec.embedding is not None and (features is None or stage.spec.stage.kind is ModelKind.EMBEDDING):
            if spec.embedding.output not in named:
                raise ModelOutputUnfit(f"the model has no output {spec.embedding.output!r}")
            features = embedding.read(named[spec.embedding.output], spec.embedding.dimension)
    return CropPrediction(classification, features)


def _main_output(stage: OpenStage, named: dict[str, Tensor]) -> str:
    """Returns the output that the catalogue names, or the first with one number per label."""
    spec = spec_of(stage.spec)
    if spec.output is not None:
        if spec.output not in named:
            raise ModelOutputUnfit(f"the model has no output {spec.output!r}; it has {', '.join(named)}")
        return spec.output
    for name, row in named.items():
        if row.size == len(spec.labels):
            return name
    seen = ", ".join(f"{name} {'x'.join(map(str, row.shape))}" for name, row in named.items())
    raise ModelOutputUnfit(f"outputs {seen}; expected one of {len(spec.labels)}, one number for each label")


def gather(rows: Sequence[int], crops: Sequence[CropPrediction], stages: Sequence[OpenStage]) -> Classified:
    """Returns the predictions of one picture's crops as arrays, in the order of their detections."""
    order = np.argsort(np.asarray(rows, dtype=np.int64), kind="stable")
    classifications = [crops[index].classification for index in order]
    features = [crops[index].features for index in order]
    stage = next((stage for stage in stages if stage.spec.stage.kind is ModelKind.CLASSIFICATION), None)
    count = 0 if stage is None else stage.spec.stage.top_k
    top_labels = np.full((len(rows), count), NO_LABEL, dtype=np.int64)
    top_scores = np.zeros((len(rows), count), dtype=np.float32)
    logits: list[Floats] = []
    for index, classification in enumerate(classifications):
        if classification is not None:
            labels, scores = classifier.top(classification.probabilities, count)
            top_labels[index, : len(labels)] = labels
            top_scores[index, : len(scores)] = scores
            logits.append(classification.logits)
    kept = [feature for feature in features if feature is not None]
    return Classified(
        rows=np.asarray(rows, dtype=np.int64)[order],
        top_labels=top_labels,
        top_scores=top_scores,
        logits=np.stack(logits) if logits and stage is not None and stage.spec.stage.logits else None,
        features=np.stack(kept) if kept else None,
    )
