"""The `trapper` command as a person calls it, on a stack of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trapper_cli.servers.psql import Psql
from trapper_cli.status import look

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "models" / "sample"
COMMAND = Path(sys.executable).with_name("trapper")
FOREIGN = ("EXPERT_", "AI_MANAGER_", "AI_WORKER_", "TRAPPER_", "REDIS_URL", "NOTIFICATIONS_REDIS_URL", "DATABASE_URL")
DEMO = ("--detector", "demo-detector", "--species", "demo-species")

MARKS = [pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Answer:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return (self.out + self.err).decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The one document of a command with --json."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Trapper:
    """The command, and what it works on."""

    place: Path

    @property
    def state_dir(self) -> Path:
        return self.place / "state dir"

    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**plain, "TRAPPER_STATE_DIR": str(self.state_dir)}

    def start(self, *words: str | Path, before: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Begins a command; `before` are words that stand before it, as `nice` does."""
        return subprocess.Popen(
            [*before, str(COMMAND), *map(str, words)],
            env=self.environment(),
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, *words: str | Path, before: Sequence[str] = ()) -> Answer:
        return self.finish(self.start(*words, before=before))

    def finish(self, process: "subprocess.Popen[bytes]") -> Answer:
        """Waits for a command; a traceback on the way is a defect, whatever it did."""
        try:
            out, err = process.communicate(timeout=400)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{process.args} did not end: {out!r} {err!r}\n{self.logs()}") from None
        answer = Answer(process.returncode, out, err)
        assert "Traceback" not in answer.text, answer.text
        return answer

    def run(self, folder: Path, *words: str | Path, before: Sequence[str] = (), code: int = 0) -> Answer:
        """`trapper run FOLDER` that has to end with this exit code."""
        answer = self("run", folder, *words, "--json", before=before)
        assert answer.code == code, f"{answer.text}\n{self.logs()}"
        assert answer.json["ok"] is (code == 0)
        return answer

    def results(self, folder: Path, *words: str | Path, before: Sequence[str] = ()) -> dict[str, Any]:
        """The results.json of a run that ends well."""
        out = folder.parent / f"{folder.name}-results.json"
        self.run(folder, *words, "--out", out, before=before)
        return json.loads(out.read_bytes())

    def look(self) -> dict[str, Any]:
        """As `trapper status --json`, without the time that a command takes."""
        return look(self.state_dir)

    def pid(self, name: str) -> int:
        """The process of that name."""
        return next(each["pid"] for each in self.look()["processes"] if each["name"] == name)

    def manager_rows(self, statement: str) -> list[list[str]]:
        """What the Manager's database says, past every API."""
        return self._rows("ai_manager", statement)

    def expert_rows(self, statement: str) -> list[list[str]]:
        """What the Expert's database says, past every API."""
        return self._rows("expert", statement)

    def _rows(self, service: str, statement: str) -> list[list[str]]:
        secrets = json.loads((self.state_dir / "secrets.json").read_text())
        port = self.look()["ports"]["postgres"]
        password = secrets[f"{service}_database_password"]
        return Psql(f"postgresql://{service}:{password}@127.0.0.1:{port}/{service}").run(statement)

    def inferred(self) -> list[list[str]]:
        """All the work that the fleet was ever given."""
        return self.batches() + self.manager_rows("select id from jobs order by id")

    def batches(self) -> list[list[str]]:
        """Id and attempt of every batch, in the queue or put away."""
        every = "select id, attempt from batches union all select id, attempt from finished_batches"
        return self.manager_rows(f"{every} order by id")

    def models(self) -> list[dict[str, Any]]:
        answer = self("models", "list", "--json")
        assert answer.code == 0, answer.text
        return answer.json["items"]

    def assert_sound(self) -> None:
        """Every invariant holds."""
        answer = self("doctor", "--json")
        broken = [check for check in answer.json["checks"] if not check["ok"]]
        assert (answer.code, broken) == (0, []), broken

    def logs(self) -> str:
        """The end of every log, for a failing test."""
        found = sorted((self.state_dir / "logs").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-1500:]}" for path in found)


def until(reached: Callable[[], bool], what: str, *, seconds: float = 180.0) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def copy_anew(sources: Sequence[Path], folder: Path, mark: str) -> list[Path]:
    """The photos as new ones: bytes after a JPEG's end change nothing but its hash."""
    folder.mkdir(parents=True)
    copies: list[Path] = []
    for source in sources:
        copy = folder / f"{source.parent.name}-{source.name}"
        copy.write_bytes(source.read_bytes() + mark.encode())
        copies.append(copy)
    return copies
