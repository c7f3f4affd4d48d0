"""The state folder: where everything that the stack writes has its place."""

import errno
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from trapper_cli.errors import StackError

NEEDED_BYTES = 200 * 1024 * 1024
ROTATE_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class Layout:
    """Paths below the state folder."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "pg"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def expert_blobs(self) -> Path:
        return self.root / "expert-blobs"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def worker(self) -> Path:
        return self.root / "worker"

    @property
    def downloads(self) -> Path:
        """Models on their way to the Manager."""
        return self.root / "downloads"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def admin(self) -> Path:
        return self.root / "admin.json"

    @property
    def operator(self) -> Path:
        return self.root / "operator.json"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def ports(self) -> Path:
        return self.run / "ports.json"

    @property
    def provisioned(self) -> Path:
        return self.run / "provisioned.json"

    @property
    def lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def private_files(self) -> tuple[Path, ...]:
        """What must not be readable by others."""
        return self.secrets, self.admin, self.operator, self.state

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Create the folders, and say in one sentence why that is not possible."""
        folders = (self.root, self.logs, self.run, self.media, self.expert_blobs, self.blobs, self.worker)
        try:
            # Root's PostgreSQL runs under another account; only on Linux it needs no way to its folder.
            outer = 0o711 if os.geteuid() == 0 and sys.platform != "linux" else 0o700
            for folder in folders:
                folder.mkdir(mode=outer if folder == self.root else 0o700, parents=True, exist_ok=True)
            probe = self.run / f".probe.{os.getpid()}"
            probe.write_bytes(b"x" * 65536)
            probe.unlink()
        except OSError as problem:
            raise self._refusal(problem) from None
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            raise StackError(
                f"The disk that holds {self.root} is nearly full: {free >> 20} MB are free, "
                f"{NEEDED_BYTES >> 20} MB are needed.",
                hint="Make room, or set TRAPPER_STATE_DIR to a folder on another disk.",
            )

    def rotate_logs(self) -> None:
        """Set large logs aside, one generation."""
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > ROTATE_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def _refusal(self, problem: OSError) -> StackError:
        place = problem.filename or self.root
        if problem.errno == errno.ENOSPC:
            return StackError(
                f"The disk that holds {self.root} is full.",
                hint="Make room, or set TRAPPER_STATE_DIR to a folder on another disk.",
            )
        return StackError(
            f"The state folder {self.root} cannot be used: {place}: {problem.strerror}.",
            hint="Set TRAPPER_STATE_DIR to a folder that this user may write to.",
        )
