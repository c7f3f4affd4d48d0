"""Offers to download a real detector where only the demo model is installed; a failure does not stop the run."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from trapper_cli.errors import StackError
from trapper_cli.layout import Layout
from trapper_cli.models.download import Origin, find_origin
from trapper_cli.models.install import describe, find_entry, install, why_not
from trapper_cli.settings import default_state_dir, repository_root
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure, Unreachable
from trapper_client.manager import ManagerClient
from trapper_client.output import tell
from trapper_schemas.v1.models import ModelEntry, ModelKind

RECOMMENDED = ("yolox-s",)
"""Offered first, because they are small."""
BETTER = ("megadetector-1000-redwood", "megadetector-1000-sorrel")
"""Made for camera traps, and larger."""
PERMISSIVE = frozenset({"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"})
"""Only these are offered; weights under other terms are for each person to decide about."""

Ask = Callable[[str], bool]
_QUESTION = "Download it now and use it?"


def may_ask(folder: Path, *, once: bool, as_json: bool) -> bool:
    """Whether there is a person at a terminal to ask; the sample that ships with the project needs no detector."""
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return has_terminal and not once and not as_json and not _is_sample(folder)


def _is_sample(folder: Path) -> bool:
    try:
        return folder == (repository_root() / "models" / "sample").resolve()
    except StackError:  # a stack elsewhere needs no checkout here
        return False


def offer_detector(manager: ManagerClient, expert: TrapperClient) -> bool:
    """Whether a detector was offered, accepted and installed."""
    try:
        catalogue = manager.models()
    except Failure:
        return False

    def get(entry: ModelEntry, origin: Origin) -> ModelEntry:
        return install(manager, expert, entry, origin, Layout(default_state_dir()).downloads)

    return settle(catalogue, confirm, get) is not None


def settle(
    catalogue: Iterable[dict[str, Any]], ask: Ask, get: Callable[[ModelEntry, Origin], ModelEntry]
) -> ModelEntry | None:
    """The detector that was accepted and installed, or None; the reason for None is printed."""
    entry = recommended(catalogue)
    if entry is None:
        return None
    try:
        origin = find_origin(entry)
    except Unreachable as problem:
        tell(f"A real detector could not be offered: {problem.message}")
        return None
    tell(f"Only the small demo model is installed. A real one can be downloaded: {describe(entry, origin)}.")
    tell(
        f"For camera traps, and larger: trapper models install {BETTER[0]} (or {BETTER[1]}; MIT). "
        "--detector demo-detector skips this question."
    )
    try:
        if not ask(_QUESTION):
            return None
        return get(entry, origin)
    except typer.Abort:
        tell("No answer, so nothing was downloaded.")
    except Failure as problem:
        tell(f"{entry.name} was not installed: {problem.message}")
    except OSError as problem:
        tell(f"{entry.name} was not installed: {problem.strerror or problem}.")
    return None


def recommended(catalogue: Iterable[dict[str, Any]]) -> ModelEntry | None:
    """The first recommended detector that can be installed and may be passed on freely."""
    known = list(catalogue)
    names = {each["name"] for each in known}
    for name in RECOMMENDED:
        if name in names:
            entry, held = find_entry(known, name)
            free = entry.licence in PERMISSIVE and entry.kind is ModelKind.DETECTION
            if free and not held and why_not(entry) is None:
                return entry
    return None


def confirm(question: str) -> bool:
    """Whether the person at the terminal says yes; Enter means no."""
    return typer.confirm(question, default=False, err=True)
