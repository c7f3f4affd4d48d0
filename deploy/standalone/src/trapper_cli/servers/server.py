"""What both embedded servers have in common: one process over one data folder, on the loopback address."""

import secrets
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from trapper_cli import ports
from trapper_cli.errors import StackError
from trapper_cli.supervision import children

READY_SECONDS = 60.0


class EmbeddedServer(ABC):
    """One server over one data folder; a context manager, or `prepare`, `launch`, `is_ready` by a supervisor."""

    name: ClassVar[str]
    title: ClassVar[str]
    first_signal: ClassVar[int] = signal.SIGTERM
    last_signal: ClassVar[int] = signal.SIGKILL
    grace: ClassVar[float] = 10.0

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        log_file: Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._port_is_given = port is not None
        self.port = port or ports.choose()
        self._password_is_given = password is not None
        self.password = password or secrets.token_hex(24)
        self.log_file = log_file or self.data_dir.with_name(self.data_dir.name + ".log")
        self.options = dict(options or {})
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the data folder when there is none, and refuse one that this server cannot use."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    @abstractmethod
    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server; it dies cleanly with the thread that calls this."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the server that was started last takes connections."""

    def start(self) -> Self:
        """Prepare, launch and wait; with another port, once, when the chosen one was taken meanwhile."""
        self.prepare()
        try:
            return self._start_once()
        except StackError as error:
            if self._port_is_given or "already in use" not in str(error):
                raise
            self.port = ports.choose()
            return self._start_once()

    def stop(self) -> None:
        """Stop the server cleanly: what was committed is on disk."""
        if self.process is not None:
            children.stop(self.process, first=self.first_signal, grace=self.grace, last=self.last_signal)
            self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_once(self) -> Self:
        begin = self.log_file.stat().st_size if self.log_file.exists() else 0
        process = self.launch()
        children.wait_until(lambda: self.is_ready() or process.poll() is not None, seconds=READY_SECONDS)
        if not self.is_ready():
            self.stop()
            raise StackError(f"{self.title} did not start: {children.tail(self.log_file, 6, begin)}")
        return self
