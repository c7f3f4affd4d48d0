"""What the supervisor tells the other commands: one private file, replaced as a whole at every change."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from trapper_cli import private_files
from trapper_cli.supervision import alive
from trapper_cli.supervision.alive import Identity

Phase = Literal["starting", "running", "stopping", "stopped", "failed"]


@dataclass
class ProcessState:
    """One process: `waiting` means that it died and its pause has not ended."""

    name: str
    pid: int | None = None
    started: float = 0.0
    state: Literal["starting", "running", "waiting", "stopped"] = "stopped"
    restarts: int = 0
    last_exit: int | None = None

    @property
    def lives(self) -> bool:
        return self.pid is not None and Identity(self.pid, self.started).lives


@dataclass
class StackState:
    """The whole stack."""

    supervisor: ProcessState
    phase: Phase = "starting"
    step: str = ""
    boot: str = field(default_factory=alive.boot)
    failure: dict[str, str] = field(default_factory=dict[str, str])
    urls: dict[str, str] = field(default_factory=dict[str, str])
    ports: dict[str, int] = field(default_factory=dict[str, int])
    processes: list[ProcessState] = field(default_factory=list[ProcessState])

    def write(self, path: Path) -> None:
        private_files.write_json(path, asdict(self))


def read(path: Path) -> StackState | None:
    """What was written last; nothing when the machine has started anew since, or when there is no such file."""
    document: dict[str, Any] = private_files.read_json(path)
    try:
        document["supervisor"] = ProcessState(**document["supervisor"])
        document["processes"] = [ProcessState(**each) for each in document["processes"]]
        state = StackState(**document)
    except (KeyError, TypeError):
        return None
    if state.boot != alive.boot():
        for process in (state.supervisor, *state.processes):
            process.pid = None
    return state
