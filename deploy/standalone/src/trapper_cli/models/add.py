"""Registers a model of one's own: tried by the Worker's code, published at the Manager, told to the Expert."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trapper_client.client import TrapperClient
from trapper_client.errors import Failure
from trapper_client.manager import ManagerClient
from trapper_client.output import tell

_INSPECTION_SECONDS = 900
_CHUNK = 1 << 20
_REPORTED = 5


class ModelRefused(Failure):
    """The file is not a model that runs as asked; `reason` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"Refused ({reason}): {message}.", hint="Nothing was registered.")
        self.reason = reason


@dataclass(frozen=True)
class Inspected:
    """The catalogue entry of a file that runs, what was seen meanwhile, and its golden run."""

    entry: dict[str, Any]
    proof: dict[str, Any]
    golden_run: dict[str, Any] | None


def inspect_file(path: Path, request: dict[str, Any]) -> Inspected:
    """Has the Worker's code try the file, in a process of its own with limits; raises ModelRefused."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the file's name is one argument, never a shell's
            [sys.executable, "-m", "ai_worker.commands", "inspect-model", str(path.absolute())],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_INSPECTION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelRefused("limits", f"trying the model took longer than {_INSPECTION_SECONDS} s") from None
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        complaint = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Failure(f"The model cannot be tried here: {complaint[:300] or f'code {done.returncode}'}.") from None
    if not answer.get("ok"):
        raise ModelRefused(str(answer.get("reason")), str(answer.get("message")).rstrip("."))
    return Inspected(answer["entry"], answer["proof"], answer.get("golden_run"))


def report_renamed(inspected: Inspected) -> None:
    """Tells which classes the file calls otherwise than the labels do."""
    renamed: list[dict[str, Any]] = inspected.proof.get("labels_renamed", [])
    for each in renamed[:_REPORTED]:
        tell(f"Class {each['index']}: the file calls it {each['file']!r}, the labels {each['given']!r}.")
    if len(renamed) > _REPORTED:
        tell(f"So do {len(renamed) - _REPORTED} more.")


def check_free(manager: ManagerClient, entry: dict[str, Any], *, version_given: bool) -> None:
    """Refuses a name that stands for something else already; the same weights may go by several names."""
    for known in manager.models():
        if known["name"].casefold() != entry["name"].casefold():
            continue
        if known["kind"] != entry["kind"]:
            raise _taken(known, f"a {known['kind']} model")
        if known["name"] != entry["name"] or known.get("sha256") is None:
            continue
        same_weights = known["sha256"] == entry["sha256"]
        if known["version"] == entry["version"]:
            if not _says_the_same(known, entry):
                what = "the same weights with other settings" if same_weights else "other weights"
                raise _taken(known, what)
        elif not same_weights and not version_given:
            raise _taken(known, "other weights")


def _says_the_same(known: dict[str, Any], entry: dict[str, Any]) -> bool:
    return all(known.get(name) == value for name, value in entry.items())


def _taken(known: dict[str, Any], what: str) -> Failure:
    return Failure(
        f"The name {known['name']!r} stands for {what} already (version {known['version']}).",
        hint="Choose another --name, or give a --version that is not taken.",
    )


def publish(
    manager: ManagerClient,
    expert: TrapperClient,
    entry: dict[str, Any],
    path: Path,
    golden_run: dict[str, Any] | None,
) -> dict[str, Any]:
    """The entry with its golden run, then its weights, then the Expert's own list; each step may be repeated."""
    published = manager.publish_model(entry, golden_run)
    if not published.get("held"):
        manager.upload_weights(entry["sha256"], lambda: _chunks(path))
    expert.sync_providers()
    return published


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
