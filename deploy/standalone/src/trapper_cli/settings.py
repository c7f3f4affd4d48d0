"""What a person may choose about the standalone stack: its folder, its ports, and servers of their own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trapper_cli.errors import StackError

#: What listens, with the port it asks for when nobody chose one.
LISTENERS: dict[str, int | None] = {
    "postgres": None,
    "valkey": None,
    "expert": None,
    "ai_manager": None,
    "ai_worker": 34821,
    "expert-tasks": None,
    "ai_manager-tasks": None,
}
#: The words of the flags: `--manager-port`, `TRAPPER_MANAGER_PORT`.
FLAG_WORDS = {"ai_manager": "manager", "ai_worker": "worker"}


def flag_word(listener: str) -> str:
    """How the flags and variables call a listener."""
    return FLAG_WORDS.get(listener, listener)


@dataclass(frozen=True)
class StackSettings:
    """One stack; the environment is the caller's, from which services get what carries their prefix."""

    state_dir: Path
    root: Path
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def embeds_postgres(self) -> bool:
        return not all(self.environment.get(f"{service}_DATABASE_URL") for service in ("EXPERT", "AI_MANAGER"))

    @property
    def embeds_valkey(self) -> bool:
        own = all(self.environment.get(f"{service}_REDIS_URL") for service in ("EXPERT", "AI_MANAGER"))
        return not (own or self.environment.get("REDIS_URL"))


def repository_root() -> Path:
    """The folder with migrations and models: of this checkout, or the one that TRAPPER_ROOT names."""
    named = os.environ.get("TRAPPER_ROOT")
    root = Path(named).absolute() if named else Path(__file__).resolve().parents[4]
    if not (root / "migrations" / "run.py").is_file():
        raise StackError(
            f"There is no migrations/run.py in {root}, so the databases cannot be prepared.",
            hint="Set TRAPPER_ROOT to a checkout of the project.",
        )
    return root


def default_state_dir() -> Path:
    """The folder for everything that the stack writes."""
    return Path(os.environ.get("TRAPPER_STATE_DIR") or "var").absolute()


def read_settings(state_dir: Path | None, ports: Mapping[str, int | None]) -> StackSettings:
    """Flags win over variables (Typer has read both already)."""
    return StackSettings(
        state_dir=(state_dir or default_state_dir()).absolute(),
        root=repository_root(),
        ports={name: port for name, port in ports.items() if port},
    )
