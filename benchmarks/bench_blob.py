"""The result blob against the same values as gzip'd JSON: its bytes, and how long encoding and decoding take.

512 photos with about 1.5 detections each and the five best labels of every animal; without logits, and with logits of
34 and of 2,498 classes (DeepFaune, SpeciesNet) and features. The values are drawn, not real: ids, boxes and the low
bits of logits are noise, which no format can compress. JSON says the same, one object per photo and per detection,
without a blank between them; boxes and scores, steps of 1/65535, are rounded to the digits that the Expert itself gives
them, half precision to the fewest digits that tell it from its neighbours; gzip at its usual level 6. Five decimals
would still tell the steps apart: what the bytes come to then stands beside the row. Neither side carries the files'
hashes, which the lease has named. Rounding is not timed.

Encoding: from numpy arrays, as the Worker has them, to bytes. Decoding: from bytes to checked columns as numpy arrays,
as the Expert uses them; for JSON, gunzip and `json.loads` into the same arrays, with no checks at all.
"""

import gzip
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Options, Row, parse_options, report
from expert.results.read_blob import DIGITS
from trapper_kit.columns import from_fixed, to_array, to_column, to_fixed
from trapper_schemas.column import Column
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import Expectation, check_results
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.results import SEEN, BatchResults, StageRun, digest_of, ids_column

NAME = "blob"
PHOTOS, TOP = 512, 5
DETECTIONS = ((0, 1, 2, 3, 4, 8), (0.34, 0.34, 0.14, 0.08, 0.06, 0.04))
"""Per photo: so many with this chance; 1.4 on average."""
FEWEST_DECIMALS = 5
GZIP_LEVEL = 6
TURNS, AT_ONCE = 3, 3
BYTES_BAR, BYTES_BAR_LOGITS, TIMES_BAR = 0.5, 0.75, 10.0
Array = NDArray[Any]
MODELS = (
    ModelRef(name="megadetector-v5a", version="5.0.0", sha256="a1" * 32),
    ModelRef(name="deepfaune-v1.3", version="1.3", sha256="b2" * 32),
)


@dataclass
class Values:
    """A batch as the Worker has it: numpy arrays."""

    batch_id: UUID
    worker_id: UUID
    ids: list[UUID]
    media_sha256: list[str]
    stages: tuple[StageRun, ...]
    counts: Array
    boxes: Array
    labels: Array
    scores: Array
    classified: Array
    top_labels: Array
    top_scores: Array
    logits: Array | None = None
    features: Array | None = None


def drawn(classes: int, dimension: int) -> Values:
    """Objects of all sizes anywhere in the picture; most scores near 1, many near 0; a classifier often sure."""
    rng = np.random.default_rng(classes)
    counts = rng.choice(DETECTIONS[0], PHOTOS, p=DETECTIONS[1])
    rows = int(counts.sum())
    sides = np.clip(rng.lognormal(-1.8, 0.6, (rows, 2)), 0.01, 0.95)
    boxes = np.concatenate([rng.random((rows, 2)) * (1 - sides), sides], axis=1)
    sure = rng.random(rows) < 0.6
    scores = np.where(sure, 1 - rng.beta(1.2, 8, rows), rng.beta(0.8, 5, rows) * 0.6 + 0.01)
    labels = rng.choice(3, rows, p=(0.86, 0.1, 0.04))
    classified = (labels == 0) & (scores > 0.1)
    chosen = int(classified.sum())
    logits = rng.normal(0, 2, (chosen, classes)).astype(np.float32)
    lead = np.where(rng.random(chosen) < 0.75, rng.uniform(10, 16, chosen), rng.uniform(2, 10, chosen))
    logits[np.arange(chosen), rng.integers(0, 12, chosen)] += lead
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    top = np.argsort(-shares, axis=1)[:, :TOP]
    return Values(
        batch_id=uuid7(),
        worker_id=uuid7(),
        ids=[uuid7() for _ in range(PHOTOS)],
        media_sha256=[uuid4().hex + uuid4().hex for _ in range(PHOTOS)],
        stages=tuple(
            StageRun(
                kind=kind,
                model=model,
                runtime="onnx-cuda",
                provider="CUDAExecutionProvider",
                device="NVIDIA GeForce RTX 4070",
                precision="float16",
                seconds=seconds,
                checksum="c3" * 32,
            )
            for kind, model, seconds in zip(
                (ModelKind.DETECTION, ModelKind.CLASSIFICATION), MODELS, (11.52, 3.25), strict=True
            )
        ),
        counts=counts.astype("<u4"),
        boxes=boxes,
        labels=labels,
        scores=scores,
        classified=classified,
        top_labels=top,
        top_scores=np.take_along_axis(shares, top, axis=1),
        logits=logits.astype("<f2"),
        features=rng.normal(0, 1, (chosen, dimension)).astype("<f2"),
    )


def to_blob(values: Values) -> bytes:
    """As the Worker encodes it, from the arrays on."""
    boxes = to_fixed(values.boxes)
    boxes[:, 2:] = np.minimum(boxes[:, 2:], 65535 - boxes[:, :2])
    frames, wide, high = np.ones(PHOTOS, "<u4"), np.full(PHOTOS, 2048, "<u4"), np.full(PHOTOS, 1536, "<u4")
    nothing = np.zeros(0, "<u4")
    return BatchResults(
        batch_id=values.batch_id,
        attempt=1,
        protocol=PROTOCOL,
        worker_id=values.worker_id,
        stages=values.stages,
        media_digest=digest_of(values.media_sha256, [1] * PHOTOS),
        failure_codes=(),
        failure_messages=(),
        resource_ids=ids_column(values.ids),
        state=to_column(np.full(PHOTOS, SEEN, "<u1")),
        width=to_column(wide),
        height=to_column(high),
        frames=to_column(frames),
        failure_code=to_column(nothing.astype("<u1")),
        failure_message=to_column(nothing),
        detections=to_column(values.counts),
        frame_index=to_column(np.zeros(len(values.scores), "<u4")),
        box=to_column(boxes),
        label=to_column(values.labels.astype("<u2")),
        score=to_column(to_fixed(values.scores)),
        classified=to_column(values.classified.astype("<u1")),
        top_label=to_column(values.top_labels.astype("<u2")),
        top_score=to_column(to_fixed(values.top_scores)),
        logits=None if values.logits is None else to_column(values.logits),
        features=None if values.features is None else to_column(values.features),
    ).to_blob()


def rounded(values: Values, decimals: int = DIGITS) -> Values:
    """The values as JSON says them: what the blob can tell apart, in the fewest digits."""

    def steps(array: Array) -> Array:
        return from_fixed(to_fixed(array)).round(decimals)

    def halves(array: Array | None) -> Array | None:
        if array is None:
            return None
        shortest = [float(str(value)) for value in array.ravel()]
        return np.asarray(shortest, dtype=np.float64).reshape(array.shape)

    return replace(
        values,
        boxes=steps(values.boxes),
        scores=steps(values.scores),
        top_scores=steps(values.top_scores),
        logits=halves(values.logits),
        features=halves(values.features),
    )


def to_json(values: Values) -> bytes:
    """The same as objects, one per photo and per detection."""
    boxes, labels, scores = values.boxes.tolist(), values.labels.tolist(), values.scores.tolist()
    tops = zip(values.top_labels.tolist(), values.top_scores.tolist(), strict=True)
    more = [{} for _ in range(len(values.top_labels))]
    for name in ("logits", "features"):
        array = getattr(values, name)
        if array is not None:
            for outputs, numbers in zip(more, array.tolist(), strict=True):
                outputs[name] = numbers
    classified_values = iter(zip(tops, more, strict=True))
    detections: list[dict[str, Any]] = []
    for box, label, score, classified in zip(boxes, labels, scores, values.classified.tolist(), strict=True):
        detection: dict[str, Any] = {"frame": 0, "box": box, "label": label, "score": score}
        if classified:
            (names, shares), outputs = next(classified_values)
            detection["top"] = [{"label": a, "score": b} for a, b in zip(names, shares, strict=True)]
            detection |= outputs
        detections.append(detection)
    rows = iter(detections)
    resources = [
        {
            "resource_id": str(resource_id),
            "outcome": "seen",
            "width": 2048,
            "height": 1536,
            "damaged": False,
            "detections": [next(rows) for _ in range(count)],
        }
        for resource_id, count in zip(values.ids, values.counts.tolist(), strict=True)
    ]
    document = {
        "schema": "trapper.batch_results",
        "batch_id": str(values.batch_id),
        "attempt": 1,
        "protocol": PROTOCOL,
        "worker_id": str(values.worker_id),
        "stages": [stage.model_dump(mode="json") for stage in values.stages],
        "media_digest": digest_of(values.media_sha256, [1] * PHOTOS),
        "resources": resources,
    }
    return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), GZIP_LEVEL)


def from_blob(blob: bytes, expected: Expectation) -> dict[str, Array]:
    """Checked, and mapped to numpy."""
    results = read_results(blob)
    check_results(results, expected)
    columns = {field.name: getattr(results, field.name) for field in fields(results)}
    return {name: to_array(column) for name, column in columns.items() if isinstance(column, Column)}


def from_json(body: bytes) -> dict[str, Array]:
    """The same arrays; nothing is checked."""
    document = json.loads(gzip.decompress(body))
    resources = document["resources"]
    detections = [detection for resource in resources for detection in resource["detections"]]
    classified = [detection for detection in detections if "top" in detection]
    arrays = {
        "resource_ids": np.frombuffer(b"".join(UUID(resource["resource_id"]).bytes for resource in resources), "<u1"),
        "width": np.array([resource["width"] for resource in resources], "<u4"),
        "height": np.array([resource["height"] for resource in resources], "<u4"),
        "detections": np.array([len(resource["detections"]) for resource in resources], "<u4"),
        "box": np.array([detection["box"] for detection in detections]),
        "label": np.array([detection["label"] for detection in detections], "<u2"),
        "score": np.array([detection["score"] for detection in detections]),
        "classified": np.array(["top" in detection for detection in detections], "<u1"),
        "top_label": np.array([[top["label"] for top in detection["top"]] for detection in classified], "<u2"),
        "top_score": np.array([[top["score"] for top in detection["top"]] for detection in classified]),
    }
    for name in ("logits", "features"):
        if name in classified[0]:
            arrays[name] = np.array([detection[name] for detection in classified], "<f2")
    return arrays


def alike(ours: dict[str, Array], theirs: dict[str, Array]) -> None:
    """Both say the same, or the comparison is worth nothing."""
    for name, array in theirs.items():
        mine = ours[name]
        if name in {"box", "score", "top_score"}:
            mine = from_fixed(mine).round(DIGITS)
        assert np.array_equal(mine.ravel(), array.ravel()), name


def raced(ours: Callable[[], Any], theirs: Callable[[], Any], *, for_seconds: float) -> tuple[float, float]:
    """How often per second each can be done, by turns; the least disturbed turn counts."""
    best = [math.inf, math.inf]
    end = time.perf_counter() + for_seconds
    turns = 0
    while turns < TURNS or time.perf_counter() < end:
        turns += 1
        for place, work, times in ((0, ours, AT_ONCE), (1, theirs, 1)):
            for _ in range(times):
                start = time.perf_counter()
                work()
                best[place] = min(best[place], time.perf_counter() - start)
    return 1 / best[0], 1 / best[1]


def compared(name: str, values: Values, classes: int, *, bar: float, options: Options) -> list[Row]:
    """Bytes, encoding and decoding of one kind of batch."""
    expected = Expectation(
        batch_id=values.batch_id,
        attempt=1,
        resource_ids=None,  # the Expert does not know how the Manager cut its job
        stages=tuple(Stage(kind=stage.kind, model=stage.model) for stage in values.stages),
        labels=(3, classes),
        features=None if values.features is None else values.features.shape[1],
    )
    text = rounded(values)
    blob, body = to_blob(values), to_json(text)
    alike(from_blob(blob, expected), from_json(body))
    how_long = options.size.of(4.0, 1.0, 0.05)
    also = {
        "photos": PHOTOS,
        "detections": len(values.scores),
        "classified": len(values.top_labels),
        "rounding": f"{DIGITS} decimals; half precision in its shortest digits",
        f"json_bytes_at_{FEWEST_DECIMALS}_decimals": len(to_json(rounded(values, FEWEST_DECIMALS))),
    }
    encoding = raced(lambda: to_blob(values), lambda: to_json(text), for_seconds=how_long)
    decoding = raced(lambda: from_blob(blob, expected), lambda: from_json(body), for_seconds=how_long)
    is_json = f"gzip -{GZIP_LEVEL} of JSON"
    return [
        Row(f"{name}: bytes", "bytes", len(blob), len(body), is_json, bar, at_most=True, also=also),
        Row(f"{name}: encode", "per second", *encoding, is_json, TIMES_BAR, also=also),
        Row(f"{name}: decode", "per second", *decoding, is_json, TIMES_BAR, also=also),
    ]


def main(options: Options) -> int:
    """Three kinds of batch."""
    small, large = drawn(34, 512), drawn(2498, 768)
    plain = replace(small, logits=None, features=None)
    runs = [
        compared("no logits", plain, 34, bar=BYTES_BAR, options=options),
        compared("34 logits, 512 features", small, 34, bar=BYTES_BAR_LOGITS, options=options),
        compared("2,498 logits, 768 features", large, 2498, bar=BYTES_BAR_LOGITS, options=options),
    ]
    print(
        f"JSON is rounded to {DIGITS} decimals; half precision has the fewest digits that tell it from its neighbours"
    )
    return report(NAME, chain.from_iterable(runs), options)


if __name__ == "__main__":
    sys.exit(main(parse_options(__doc__)))
