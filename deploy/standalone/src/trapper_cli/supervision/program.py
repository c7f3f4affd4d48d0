"""One line of the process table: what to start, when it is ready, how it stops."""

import http.client
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trapper_cli.ports import LOOPBACK
from trapper_cli.supervision import children
from trapper_cli.supervision.children import Launch

PROBE_SECONDS = 3.0
_BODY_BYTES = 65_536


@dataclass(frozen=True)
class Program:
    """A process that the supervisor keeps alive; stages start upwards and stop downwards."""

    name: str
    stage: int
    log_file: Path
    launch: Callable[[], subprocess.Popen[bytes]]
    is_ready: Callable[[], bool] = lambda: True
    first_signal: int = signal.SIGTERM
    last_signal: int = signal.SIGKILL
    grace: float = 10.0
    #: Without a way to ask, a process counts as ready when it has lived this long.
    settle: float = 0.0


def program(
    name: str,
    argv: Sequence[str],
    *,
    stage: int,
    env: Mapping[str, str],
    log_file: Path,
    cwd: Path = Path("/"),
    ready_url: str | None = None,
    settle: float = 0.0,
    grace: float = 10.0,
) -> Program:
    """A program of our own: started with its arguments, asked over HTTP whether it is ready."""
    launch = Launch(argv=argv, env=env, log_file=log_file, cwd=cwd)
    return Program(
        name=name,
        stage=stage,
        log_file=log_file,
        launch=lambda: children.start(launch),
        is_ready=(lambda: answers(ready_url)) if ready_url else (lambda: True),
        settle=settle,
        grace=grace,
    )


def answers(url: str, *, timeout: float = PROBE_SECONDS) -> bool:
    """Whether something on the loopback address answers 200 there."""
    return get(url, timeout=timeout)[0] == http.HTTPStatus.OK


def get(url: str, *, timeout: float = PROBE_SECONDS) -> tuple[int, bytes]:
    """Status and body of a reply from the loopback address; 0 and nothing when none comes."""
    address, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", f"/{path}", headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(_BODY_BYTES)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True
