"""Confines processes that run untrusted models: while a file is inspected, and permanently.

What a system cannot enforce is left out of the answers, so that nobody believes it was. Both must be called while the
process has one thread: Landlock and seccomp hold for the calling thread and those that it starts afterwards.
"""

import ctypes
import errno
import os
import platform
import resource
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai_worker.confinement.landlock import restrict
from ai_worker.confinement.privileges import give_up_privileges
from ai_worker.confinement.seccomp import WRITING, filter_calls

OUT_OF_MEMORY = 87
"""Exit code of a process that ended itself at its memory limit."""
_WATCH_SECONDS = 0.2
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/opt",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/sys/bus/pci/devices",
    "/sys/class/drm",
    "/sys/devices",
    "/sys/fs/cgroup",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
)
"""What an interpreter and its libraries read while they run."""


def confine_inspection(*, memory_bytes: int, cpu_seconds: int) -> dict[str, Any]:
    """Confines a process that inspects a model once, with limits and Python audit hooks too."""
    namespace = _leave_the_network()  # first of all: a process of several threads may not
    holds: dict[str, Any] = {"platform": _platform()}
    address_space = [] if sys.platform == "darwin" else _limited(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    holds["memory"] = ["watched", *address_space]  # macOS takes the limit, and does not keep it
    holds["cpu"] = _limited(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)
    holds |= _without_writing(namespace, readable=())
    threading.Thread(target=_watch, args=(memory_bytes,), daemon=True).start()
    sys.addaudithook(_refuse)
    for what in ("network", "files", "processes"):
        holds[what] = ["python", *holds[what]]
    return holds


def confine_for_good(*, readable: Sequence[Path], writable: Sequence[Path], own_user: bool) -> dict[str, Any]:
    """Confines the process permanently to these files; without `readable` it may read everything.

    Drivers of accelerators need files and Unix sockets of their own, so that with `writable` only Landlock guards
    files, and nothing is filtered.
    """
    namespace = _leave_the_network()
    needed = (*readable, *_python()) if readable else ()
    holds: dict[str, Any] = {"platform": _platform()}
    holds["user"] = give_up_privileges(needed) if own_user and readable else []
    if not writable:
        return holds | _without_writing(namespace, readable=needed)
    _limited(resource.RLIMIT_CORE, 0, 0)
    landlock = restrict(readable=(), writable=writable)
    return holds | {"network": [*namespace, *landlock], "files": landlock, "processes": landlock}


def _without_writing(namespace: list[str], *, readable: Sequence[Path]) -> dict[str, list[str]]:
    _limited(resource.RLIMIT_CORE, 0, 0)
    files = _limited(resource.RLIMIT_FSIZE, 0, 0)
    landlock = restrict(readable=(*readable, *map(Path, _SYSTEM)) if readable else (), writable=())
    held = [*landlock, *filter_calls(may_write=False)]
    return {"network": [*namespace, *held], "files": [*files, *held], "processes": held}


def _python() -> tuple[Path, ...]:
    """Returns the paths of the interpreter and of all that it may still import."""
    folders = {sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"], *filter(None, sys.path)}
    return tuple(Path(folder) for folder in sorted(folders))


def _platform() -> str:
    return f"{sys.platform} {platform.machine()}"


def _limited(kind: int, soft: int, hard: int) -> list[str]:
    try:
        resource.setrlimit(kind, (soft, hard))
    except (ValueError, OSError):  # macOS knows some of them in name only
        return []
    return ["limit"]


def _watch(memory_bytes: int) -> None:
    """Ends the process above its memory limit, where the system does not enforce one."""
    unit = 1 if sys.platform == "darwin" else 1024
    while True:
        time.sleep(_WATCH_SECONDS)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit > memory_bytes:
            os._exit(OUT_OF_MEMORY)


_REFUSED_EVENTS = frozenset(
    {"socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.exec"}
    | {"os.posix_spawn", "os.system", "os.fork", "os.forkpty", "os.remove", "os.rename", "os.mkdir", "os.rmdir"}
    | {"os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.kill", "pickle.find_class"}
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises PermissionError for forbidden Python operations; the seccomp filter covers native code."""
    if event in _REFUSED_EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
        raise PermissionError(errno.EPERM, f"{event} is not allowed while a model is tried")


def _leave_the_network() -> list[str]:
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET):
        if not libc.unshare(flags):
            return ["namespace"]
    return []
