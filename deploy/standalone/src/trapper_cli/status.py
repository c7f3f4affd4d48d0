"""Looks at a stack from outside: what runs, where, and whether it answers."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from trapper_cli.layout import Layout
from trapper_cli.supervision import lock, state
from trapper_cli.supervision.program import answers, listens
from trapper_cli.supervision.state import ProcessState, StackState

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*(?=@)")
WEB = ("expert", "ai_manager", "ai_worker", "expert-tasks", "ai_manager-tasks")


def look(state_dir: Path) -> dict[str, Any]:
    """The object that `trapper status --json` prints."""
    layout = Layout(state_dir)
    found = state.read(layout.state) if lock.is_held(layout.lock) else None
    document: dict[str, Any] = {
        "healthy": False,
        "phase": "stopped",
        "processes": [],
        "urls": {},
        "admin_credentials_file": str(layout.admin),
        "operator_credentials_file": str(layout.operator),
        "state_dir": str(layout.root),
        "logs": str(layout.logs),
    }
    if found is None:
        return document
    answering = who_answers(found)
    document["healthy"] = found.phase == "running" and all_healthy(found, answering)
    document["phase"] = found.phase
    document["step"] = found.step
    document["urls"] = found.urls
    document["ports"] = found.ports
    document["processes"] = [_shown(process, answering) for process in (found.supervisor, *found.processes)]
    return document


def without_passwords(urls: dict[str, str]) -> dict[str, str]:
    """The addresses with `***` in the place of each password."""
    return {name: _PASSWORD.sub(r"\1:***", url) for name, url in urls.items()}


def all_healthy(found: StackState, answering: dict[str, bool] | None = None) -> bool:
    """Whether every process runs and every door answers."""
    return all(
        process.lives and process.state == "running" for process in (found.supervisor, *found.processes)
    ) and all((answering or who_answers(found)).values())


def who_answers(found: StackState) -> dict[str, bool]:
    """Ask every process that has a door, all at once."""
    names = [process.name for process in found.processes if process.name in found.ports]
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return dict(zip(names, pool.map(lambda name: _answers(found, name), names), strict=True))


def _answers(found: StackState, name: str) -> bool:
    return answers(f"{found.urls[name]}/readyz") if name in WEB else listens(found.ports[name])


def _shown(process: ProcessState, answering: dict[str, bool]) -> dict[str, Any]:
    process_state = process.state if process.lives or process.pid is None else "ended"
    return {
        "name": process.name,
        "pid": process.pid,
        "state": "not answering"
        if process_state == "running" and not answering.get(process.name, True)
        else process_state,
        "restarts": process.restarts,
        "last_exit": process.last_exit,
    }
