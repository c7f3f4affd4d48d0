"""Tries a model that somebody brought, in a child with limits, no network and an empty environment.

`inspect_model(path, request)` answers `{"ok": true, "entry": …, "proof": …}` or `{"ok": false, "reason", "message"}`.
"""

import contextlib
import ctypes
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ai_worker.model_store.errors import ModelRefused, RuntimeAbsent
from ai_worker.model_store.register import register_model

WALL_SECONDS = 300
CPU_SECONDS = 600
MEMORY_BYTES = 8 * 1024**3
MEMORY_PER_FILE_BYTE = 6
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def inspect_model(path: Path, request: dict[str, Any], *, wall_seconds: float = WALL_SECONDS) -> dict[str, Any]:
    """Whether this file is a model that runs as asked; never raises for what is wrong with the file or the request."""
    try:
        size = path.stat().st_size
    except OSError as problem:
        return _refusal("not-found", f"{path.name} cannot be read: {problem.strerror}")
    order = {
        "path": str(path.resolve()),
        "request": request,
        "memory_bytes": MEMORY_BYTES + MEMORY_PER_FILE_BYTE * size,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ai_worker.model_store.inspect_model"],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=wall_seconds,
            check=False,
            cwd="/",
            env={"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        return _refusal("limits", f"trying the model took longer than {wall_seconds:g} s")
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


def _refusal(reason: str, message: str) -> dict[str, Any]:
    return {"ok": False, "reason": reason, "message": message}


def _try_order(order: dict[str, Any]) -> dict[str, Any]:
    try:
        entry, proof = register_model(Path(order["path"]), order["request"], clock=time.perf_counter)
    except ModelRefused as refused:
        return _refusal(refused.reason, str(refused))
    except RuntimeAbsent as absent:
        return _refusal("runtime-absent", str(absent))
    except MemoryError:
        return _refusal("limits", f"trying the model took more than {order['memory_bytes'] // 1024**2} MiB")
    return {"ok": True, "entry": entry.model_dump(mode="json"), "proof": proof}


def _limit(memory_bytes: int) -> None:
    """From here on: little memory and time, no new files, no network where the system lets us."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS knows some of them in name only
            resource.setrlimit(kind, (value, value))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET):
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def main() -> None:
    """The child's side: one order in, one answer out."""
    order = json.loads(sys.stdin.buffer.read())
    _limit(order["memory_bytes"])
    sys.stdout.write(json.dumps(_try_order(order)))


if __name__ == "__main__":
    main()
