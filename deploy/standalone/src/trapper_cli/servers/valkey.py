"""An embedded Valkey on the loopback address: queues for one user, notifications for another that sees nothing else."""

import secrets
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from trapper_cli import ports
from trapper_cli.servers import binaries
from trapper_cli.servers.server import EmbeddedServer
from trapper_cli.supervision import children
from trapper_cli.supervision.children import Launch

NOTIFICATIONS_USER = "notifications"
NOTIFICATION_KEYS = "trapper_notifications"
#: For tests: nothing is written to disk.
UNSAFE_AND_FAST = {"appendonly": "no"}


class EmbeddedValkey(EmbeddedServer):
    """Valkey over one data folder, with a user of its own for the notifications."""

    name = "valkey"
    title = "Valkey"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        notifications_password: str | None = None,
        log_file: Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir, port=port, password=password, log_file=log_file, options=options)
        self.notifications_password = notifications_password or secrets.token_hex(24)

    @property
    def url(self) -> str:
        """For a service's own queues: the user that may do everything."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    @property
    def notifications_url(self) -> str:
        """For the notifications between services: a user that reaches no inner queue."""
        return f"redis://{NOTIFICATIONS_USER}:{self.notifications_password}@{ports.LOOPBACK}:{self.port}/0"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server; it dies cleanly with the thread that calls this."""
        self.prepare()
        self.process = children.start(
            Launch(
                argv=[str(binaries.valkey_server()), "-"],
                env={"LANG": "C"},
                log_file=self.log_file,
                stdin=self._configuration().encode(),
                cwd=self.data_dir,
            )
        )
        return self.process

    def is_ready(self) -> bool:
        """Whether it answers a ping; while it loads its file it does not."""
        if self.process is None or self.process.poll() is not None:
            return False
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):  # noqa: PLR2004  two answers
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _configuration(self) -> str:
        # Dramatiq's scripts take the namespace itself as a key, so it is allowed beside the keys below it.
        notifier = (
            f"~{NOTIFICATION_KEYS} ~{NOTIFICATION_KEYS}:* &{NOTIFICATION_KEYS}:* +@all -@admin -@dangerous +keys +info"
        )
        settings = {
            "port": str(self.port),
            "bind": ports.LOOPBACK,
            "requirepass": self.password,
            "user": f"{NOTIFICATIONS_USER} on >{self.notifications_password} {notifier}",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
        } | self.options
        return "".join(f"{name} {value}\n" for name, value in settings.items())
