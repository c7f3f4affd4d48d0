"""Starts and stops processes in a way that leaves nothing behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
# Loaded once, in the parent: between fork and exec nothing may be imported.
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Account:
    """The account that a process runs under, when it is not the caller's."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Launch:
    """How one process is started; nothing of it is ever written to a log."""

    argv: Sequence[str]
    env: Mapping[str, str]
    log_file: Path
    stdin: bytes | None = None
    account: Account | None = None
    pass_fds: Sequence[int] = field(default_factory=tuple[int, ...])
    death_signal: int = signal.SIGTERM
    cwd: Path = Path("/")
    #: An open file that takes standard output instead of the log, for a program that may print a secret.
    output: int | None = None


def die_with_parent(death_signal: int) -> Callable[[], None]:
    """A hook for the forked child: the kernel sends it this signal when the thread that forked it ends."""
    parent = os.getpid()

    def hook() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the setting took hold
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def start(launch: Launch) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, with its output in its log.

    Call it from the main thread: the death signal is tied to the thread that forked.
    """
    account = launch.account
    descriptor = os.open(launch.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603  our own programs, never a shell
            launch.argv,
            env=dict(launch.env),
            cwd=launch.cwd,
            stdin=subprocess.DEVNULL if launch.stdin is None else subprocess.PIPE,
            stdout=descriptor if launch.output is None else launch.output,
            stderr=descriptor,
            start_new_session=True,
            pass_fds=launch.pass_fds,
            preexec_fn=die_with_parent(launch.death_signal),  # noqa: PLW1509  it only calls what was loaded before
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        os.close(descriptor)
    if launch.stdin is not None and process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(launch.stdin)
            process.stdin.close()
        process.stdin = None
    return process


def stop(process: subprocess.Popen[bytes], *, first: int, grace: float, last: int = signal.SIGKILL) -> int:
    """Ask with the first signal, wait, and end what is left with the last one."""
    if process.poll() is None:
        process.send_signal(first)
    return finish(process, grace=grace, last=last)


def finish(process: subprocess.Popen[bytes], *, grace: float, last: int = signal.SIGKILL) -> int:
    """Wait for a process that was asked to stop, then insist; nothing of its group stays."""
    for seconds, insist in ((grace, last), (10.0, signal.SIGKILL)):
        try:
            process.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(insist)
    code = process.wait()
    kill_group(process.pid)
    return code


def kill_group(group: int) -> None:
    """End what a dead leader left in its group: children that it did not take along."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.01) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def tail(log_file: Path, lines: int = 15, start_at: int = 0) -> str:
    """The last lines of a log, from a byte position on."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(start_at, log_file.stat().st_size - 64_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
