"""State folders with spaces in their names, below a folder that others may not enter, and what runs in them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trapper_cli import status
from trapper_cli.down import down

# In memory where the machine has room for it: these tests create many databases.
MEMORY = Path("/dev/shm")  # noqa: S108 - every folder in it gets a random name
PLACE = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30 else None
PRIVATE = ("EXPERT_", "AI_MANAGER_", "AI_WORKER_", "TRAPPER_", "REDIS_URL")


@dataclass(frozen=True)
class Answer:
    code: int
    text: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Trapper:
    """The commands, as a person calls them, on one state folder."""

    state_dir: Path

    def __call__(self, *words: str, **variables: str) -> Answer:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
        environment |= {"TRAPPER_STATE_DIR": str(self.state_dir), **variables}
        done = subprocess.run(
            [sys.executable, "-m", "trapper_cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def look(self) -> dict[str, Any]:
        """As `status --json`, without the time that a command takes."""
        return status.look(self.state_dir)

    def pids(self) -> dict[str, int]:
        return {each["name"]: each["pid"] for each in self.look()["processes"]}


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="trapper standalone ", dir=PLACE))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def stack() -> Iterator[Trapper]:
    """PostgreSQL and Valkey under a real supervisor."""
    place = Path(tempfile.mkdtemp(prefix="trapper standalone ", dir=PLACE))
    trapper = Trapper(place / "state dir")
    started = trapper("up", "--only-servers")
    assert started.code == 0, started
    yield trapper
    down(trapper.state_dir)
    shutil.rmtree(place, ignore_errors=True)
