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
    stack_state = state.read(layout.state) if lock.is_held(layout.lock) else None
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
    if stack_state is None:
        return document
    answering = who_answers(stack_state)
    document["healthy"] = stack_state.phase == "running" and all_healthy(stack_state, answering)
    document["phase"] = stack_state.phase
    document["step"] = stack_state.step
    document["urls"] = stack_state.urls
    document["ports"] = stack_state.ports
    document["processes"] = [_shown(process, answering) for process in (stack_state.supervisor, *stack_state.processes)]
    return document


def without_passwords(urls: dict[str, str]) -> dict[str, str]:
    """The addresses with `***` in the place of each password."""
    return {name: _PASSWORD.sub(r"\1:***", url) for name, url in urls.items()}


def all_healthy(stack_state: StackState, answering: dict[str, bool] | None = None) -> bool:
    """Whether every process runs and every health check answers."""
    return all(
        process.lives and process.state == "running" for process in (stack_state.supervisor, *stack_state.processes)
    ) and all((answering or who_answers(stack_state)).values())


def who_answers(stack_state: StackState) -> dict[str, bool]:
    """Asks every process with a port, all at once."""
    names = [process.name for process in stack_state.processes if process.name in stack_state.ports]
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return dict(zip(names, pool.map(lambda name: _answers(stack_state, name), names), strict=True))


def _answers(stack_state: StackState, name: str) -> bool:
    return answers(f"{stack_state.urls[name]}/readyz") if name in WEB else listens(stack_state.ports[name])


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
