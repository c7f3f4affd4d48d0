"""One supervisor per state folder: a lock that the kernel takes back when its holder dies, however it dies."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path


def hold(path: Path, *, patience: float = 1.0) -> int | None:
    """Take the lock for as long as this process lives; its descriptor, or nothing when somebody else has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)
        else:
            return descriptor


def is_held(path: Path) -> bool:
    """Whether a supervisor lives for this folder."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


def is_ours(path: Path, descriptor: int) -> bool:
    """Whether the file that was locked is still the one at this path: not when somebody removed the folder."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
