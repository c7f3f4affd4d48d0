"""Tries a model that somebody brought, in a child with limits, no network, an empty environment and an empty folder.

`inspect_model(path, request)` answers `{"ok": true, "entry": …, "proof": …, "golden_run": …}` or
`{"ok": false, "reason", "message"}`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_worker.confinement.confine import OUT_OF_MEMORY, confine_inspection
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.errors import ModelRefused, RuntimeAbsent

_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of an inspection; the memory grows with the file."""

    wall_seconds: float = 600
    cpu_seconds: int = 1800
    memory_bytes: int = 8 * 1024**3
    memory_per_file_byte: int = 6


def inspect_model(path: Path, request: dict[str, Any], *, allowance: Allowance = Allowance()) -> dict[str, Any]:
    """Returns whether this file is a model that runs as requested; never raises for a bad file or request."""
    try:
        size = path.stat().st_size
    except OSError as problem:
        return _refusal("not-found", f"{path.name} cannot be read: {problem.strerror}")
    order = {
        "path": os.fsencode(path.resolve()).decode("utf-8", "surrogateescape"),  # the child's locale is UTF-8
        "request": request,
        "memory_bytes": allowance.memory_bytes + allowance.memory_per_file_byte * size,
        "cpu_seconds": allowance.cpu_seconds,
    }
    with tempfile.TemporaryDirectory(prefix="trapper-trial-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "ai_worker.model_intake.inspect_model"],
                input=json.dumps(order).encode(),
                capture_output=True,
                timeout=allowance.wall_seconds,
                check=False,
                cwd=folder,
                env={"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return _refusal("limits", f"trying the model took longer than {allowance.wall_seconds:g} s")
    return _understood(done, order)


def _understood(done: subprocess.CompletedProcess[bytes], order: dict[str, Any]) -> dict[str, Any]:
    if done.returncode == -signal.SIGXCPU:
        return _refusal("limits", f"trying the model took more than {order['cpu_seconds']} s of processor time")
    if done.returncode == OUT_OF_MEMORY:
        return _out_of_memory(order)
    if done.returncode < 0:
        return _refusal("limits", f"trying the model ended with {signal.Signals(-done.returncode).name}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if done.returncode or not isinstance(answer, dict):
        last_line = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return _refusal("does-not-run", f"trying the model failed: {last_line[:300] or f'code {done.returncode}'}")
    return answer


def _out_of_memory(order: dict[str, Any]) -> dict[str, Any]:
    return _refusal("limits", f"trying the model took more than {order['memory_bytes'] // _MIB} MiB")


def _refusal(reason: str, message: str) -> dict[str, Any]:
    return {"ok": False, "reason": reason, "message": message}


def _try_order(order: dict[str, Any], holds: dict[str, Any]) -> dict[str, Any]:
    try:
        entry, record, golden = register_model(
            Path(order["path"]), order["request"], clock=time.perf_counter, threads=min(8, os.cpu_count() or 1)
        )
    except ModelRefused as refused:
        return _refusal(refused.reason, str(refused))
    except RuntimeAbsent as absent:
        return _refusal("runtime-absent", str(absent))
    except MemoryError:
        return _out_of_memory(order)
    return {
        "ok": True,
        "entry": entry.model_dump(mode="json"),
        "proof": record | {"sandbox": holds},
        "golden_run": golden.model_dump(mode="json"),
    }


def main() -> None:
    """Runs in the child: reads one order and writes one answer."""
    order = json.loads(sys.stdin.buffer.read())
    holds = confine_inspection(memory_bytes=order["memory_bytes"], cpu_seconds=order["cpu_seconds"])
    sys.stdout.write(json.dumps(_try_order(order, holds)))


if __name__ == "__main__":
    main()
