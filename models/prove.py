"""Writes the golden runs that the catalogue publishes with the shipped models; run it in the project's environment."""

import json
import time
from pathlib import Path

from ai_worker.model_store.golden import golden_run, run_golden
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from trapper_schemas.catalog import DATA, read_manifest
from trapper_schemas.v1.models import GoldenRun, ModelEntry

WEIGHTS = Path(__file__).parent / "weights"
DIGITS = 6
"""More say nothing: processors differ in those behind."""


def prove(entry: ModelEntry) -> GoldenRun:
    """What the shipped file of this entry answers to the golden pictures on this machine's processor."""
    assert entry.spec is not None
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    session = open_session(WEIGHTS / entry.sources[0].file_name, providers=PROVIDERS["onnx-cpu"], also=also)
    runs = run_golden(session, entry.spec.preprocessing, time.perf_counter)
    names = [axis.name for axis in session.outputs]
    return golden_run(names, entry.spec, runs, provider=session.provider, precision=session.precision)


def rounded(value: object) -> object:
    """The same document with fewer digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    for entry in read_manifest():
        if entry.name.startswith("demo-"):
            path = DATA / "proofs" / f"{entry.name}.json"
            path.write_text(json.dumps(rounded(prove(entry).model_dump(mode="json"))) + "\n")
            print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
