"""Results of protocol 1 in the shape of protocol 2; a worker or a Manager of before is understood for one version."""

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

from trapper_schemas.column import ITEM_BYTES, Column
from trapper_schemas.v1 import results as v1
from trapper_schemas.v1.results import BatchRefused, Failed, Outcome, Seen
from trapper_schemas.v2 import results as v2


def upgrade_results(old: v1.BatchResults) -> v2.BatchResults:
    """The same outcomes and detections; those that were not in the order of their resources are put into it."""
    if len(old.outcomes) != len(old.resource_ids):
        raise BatchRefused("outcomes", f"{len(old.outcomes)} outcomes for {len(old.resource_ids)} resources")
    rows, chosen = old.resource_index.rows, old.classified.rows
    _check_shapes(old, rows, chosen)
    owners, classified = _values(old.resource_index), _values(old.classified)
    if rows and max(owners) >= len(old.resource_ids):
        raise BatchRefused("resource", f"resource index {max(owners)} is outside the batch")
    if chosen and (max(classified) >= rows or len(set(classified)) != chosen):
        raise BatchRefused("classified", "a classified row names no detection, or one twice")
    order = sorted(range(rows), key=owners.__getitem__)
    place = {row: at for at, row in enumerate(order)}
    later = sorted(range(chosen), key=lambda at: place[classified[at]])
    counts = Counter(owners)
    per_detection: dict[str, Any] = {
        name: _taken(getattr(old, name), order) for name in ("frame_index", "box", "label", "score")
    }
    per_class: dict[str, Any] = {
        name: _taken(getattr(old, name), later) for name in ("top_label", "top_score", "logits", "features")
    }
    seen = [isinstance(one, Seen) for one in old.outcomes]
    hashes = [one.media_sha256 if isinstance(one, Seen) else "" for one in old.outcomes]
    flags = set(classified)
    return v2.BatchResults(
        batch_id=old.batch_id,
        attempt=old.attempt,
        protocol=old.protocol,
        worker_id=old.worker_id,
        stages=old.stages,
        media_digest=v2.digest_of(hashes, seen),
        resource_ids=v2.ids_column(old.resource_ids),
        detections=_numbers("<u4", [counts[index] for index in range(len(seen))]),
        classified=_numbers("<u1", [row in flags for row in order]),
        **outcome_columns(old.outcomes),
        **per_detection,
        **per_class,
    )


def outcome_columns(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Outcomes one by one as the columns of protocol 2."""
    failures = [one for one in outcomes if isinstance(one, Failed)]
    codes = {code: at for at, code in enumerate(dict.fromkeys(one.code for one in failures))}
    messages = {said: at for at, said in enumerate(dict.fromkeys(one.message for one in failures))}
    looked = [one if isinstance(one, Seen) else None for one in outcomes]
    columns: dict[str, Any] = {
        "state": _numbers("<u1", [v2.FAILED if one is None else v2.DAMAGED * one.damaged for one in looked]),
        "width": _numbers("<u4", [one.width if one else 0 for one in looked]),
        "height": _numbers("<u4", [one.height if one else 0 for one in looked]),
        "frames": _numbers("<u4", [len(one.frame_times) or 1 if one else 0 for one in looked]),
        "failure_codes": tuple(codes),
        "failure_messages": tuple(messages),
        "failure_code": _numbers("<u1", [codes[one.code] for one in failures]),
        "failure_message": _numbers("<u4", [messages[one.message] for one in failures]),
    }
    times = [time for one in looked if one for time in one.frame_times or (0.0,)]
    more = {
        "frame_times": times,
        "fps": [one.fps or 0.0 if one else 0.0 for one in looked],
        "duration_seconds": [one.duration_seconds or 0.0 if one else 0.0 for one in looked],
    }
    return columns | {name: _numbers("<f8", found) for name, found in more.items() if any(found)}


_FORMATS: dict[str, Any] = {"<u1": "B", "<u2": "H", "<u4": "I", "<f8": "d"}


def _numbers(dtype: str, found: Sequence[float]) -> Column:
    return Column(dtype, (len(found),), memoryview(array(_FORMATS[dtype], found).tobytes()))


def _values(column: Column) -> list[int]:
    return column.data.cast("B").cast("I").tolist()


def _check_shapes(old: v1.BatchResults, rows: int, chosen: int) -> None:
    for name, dtype, wanted in (("resource_index", "<u4", rows), ("classified", "<u4", chosen)):
        column: Column = getattr(old, name)
        if column.dtype != dtype or column.shape != (wanted,):
            raise BatchRefused("shape", f"{name} is {column.dtype} {column.shape}, expected {dtype} {(wanted,)}")
    for names, wanted in (
        (("frame_index", "box", "label", "score"), rows),
        (("top_label", "top_score", "logits", "features"), chosen),
    ):
        for name in names:
            one: Column | None = getattr(old, name)
            if one is not None and one.rows != wanted:
                raise BatchRefused("shape", f"{name} has {one.rows} rows, expected {wanted}")


def _taken(column: Column | None, order: Sequence[int]) -> Column | None:
    """The rows in this order; most often it is the order in which they are."""
    if column is None or order == list(range(len(order))):
        return column
    width = ITEM_BYTES[column.dtype]
    for side in column.shape[1:]:
        width *= side
    data = bytes(column.data)
    rows = b"".join(data[row * width : (row + 1) * width] for row in order)
    return Column(column.dtype, column.shape, memoryview(rows))
