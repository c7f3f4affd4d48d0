"""Sees to it that a stack runs: the one that is there, or one started as `trapper up` does."""

import json
import subprocess
import sys
from typing import Any

from trapper_client.errors import Failure

_UP_SECONDS = 600


def status() -> dict[str, Any]:
    """What `trapper status --json` says."""
    done = _trapper("status", "--json", capture=True)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def ensure_stack() -> bool:
    """Starts the stack unless it is healthy; whether it was started here."""
    if status().get("healthy"):
        return False
    done = _trapper("up", capture=False)
    if done.returncode:
        raise Failure("The stack did not start.", hint="See above, or: trapper doctor")
    return True


def stop_stack() -> None:
    """Stops the stack; one that was gone already is no failure."""
    _trapper("down", capture=False)


def _trapper(*words: str, capture: bool) -> subprocess.CompletedProcess[bytes]:
    """The same command in a process of its own; what it says goes to standard error, ours stays a document."""
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "trapper_client", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else sys.stderr.fileno(),
        stderr=subprocess.DEVNULL if capture else None,
        timeout=_UP_SECONDS,
        check=False,
    )
