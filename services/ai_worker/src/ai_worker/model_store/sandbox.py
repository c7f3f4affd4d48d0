"""Shuts the process in that tries a stranger's model: little memory and time, no network, no new files or processes.

What a system cannot enforce is left out of the answer of `confine`, so that nobody believes it was.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

OUT_OF_MEMORY = 87
"""Exit code of a process that ended itself at its memory limit."""
_WATCH_SECONDS = 0.2
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_THREAD = 0x10000000, 0x40000000, 0x00010000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ANY_BIT, _JUMP_IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000


@dataclass(frozen=True, slots=True)
class Calls:
    """Numbers of one processor family's system calls."""

    architecture: int
    network: tuple[int, ...]
    programs: tuple[int, ...]
    """Starting others, and reaching into them."""
    files: tuple[int, ...]
    """Changing them; reading is needed."""
    kernel: tuple[int, ...]
    """Its side doors."""
    opening: tuple[tuple[int, int], ...]
    """Calls that open files, each with the argument that says what for."""
    clone: int
    clone3: int
    tgkill: int


_CALLS = {
    "x86_64": Calls(
        architecture=0xC000003E,
        network=(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),
        programs=(57, 58, 59, 322, 101, 310, 311, 62, 200),
        files=(76, 77, *range(82, 89), *range(90, 95), 133, *range(258, 261), *range(263, 267), 268, 316, 437),
        kernel=(165, 166, 169, 175, 246, 272, 298, 308, 313, 321, 323, 425),
        opening=((2, 1), (257, 2)),
        clone=56,
        clone3=435,
        tgkill=234,
    ),
    "aarch64": Calls(
        architecture=0xC00000B7,
        network=(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
        programs=(221, 281, 117, 270, 271, 129, 130),
        files=(33, 34, 35, 36, 37, 38, 45, 46, 52, 53, 54, 55, 276, 437),
        kernel=(39, 40, 142, 105, 104, 97, 241, 268, 273, 280, 282, 425),
        opening=((56, 2),),
        clone=220,
        clone3=435,
        tgkill=131,
    ),
}


def confine(*, memory_bytes: int, cpu_seconds: int) -> dict[str, Any]:
    """From here on this process is shut in; the answer names what holds on this system."""
    namespace = _leave_the_network()  # first of all: a process of several threads may not
    holds: dict[str, Any] = {"platform": f"{sys.platform} {platform.machine()}"}
    address_space = [] if sys.platform == "darwin" else _limited(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    holds["memory"] = ["watched", *address_space]  # macOS takes the limit, and does not keep it
    holds["cpu"] = _limited(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)
    _limited(resource.RLIMIT_CORE, 0, 0)
    files = _limited(resource.RLIMIT_FSIZE, 0, 0)
    filtered = _filter_calls()  # holds for this thread and those that it starts from here on
    threading.Thread(target=_watch, args=(memory_bytes,), daemon=True).start()
    holds["network"] = ["python", *namespace, *filtered]
    holds["files"] = ["python", *files, *filtered]
    holds["processes"] = ["python", *filtered]
    sys.addaudithook(_refuse)
    return holds


def _limited(kind: int, soft: int, hard: int) -> list[str]:
    try:
        resource.setrlimit(kind, (soft, hard))
    except (ValueError, OSError):  # macOS knows some of them in name only
        return []
    return ["limit"]


def _watch(memory_bytes: int) -> None:
    """Ends the process above its memory, where the system does not refuse it the memory."""
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
    """What Python itself is about to do; native code is the filter's business."""
    if event in _REFUSED_EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
        raise PermissionError(errno.EPERM, f"{event} is not allowed while a model is tried")


def _leave_the_network() -> list[str]:
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET):
        if not libc.unshare(flags):
            return ["namespace"]
    return []


def _filter_calls() -> list[str]:
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None:
        return []
    program = _program(calls)
    lines = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
    whole = struct.pack("@HP", len(program), ctypes.addressof(lines))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong]
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) or prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, whole, 0, 0):
        return []
    return ["seccomp"]


def _program(calls: Calls) -> list[bytes]:
    """The filter: what is not named is allowed, since a runtime needs memory, threads, time and reading."""
    refuse = _line(_ANSWER, _REFUSE | errno.EPERM)
    program = [
        _line(_LOAD, _ARCHITECTURE_AT),
        _line(_JUMP_IF_EQUAL, calls.architecture, then=1),
        _line(_ANSWER, _KILL),
        _line(_LOAD, _NUMBER_AT),
        _line(_JUMP_IF_AT_LEAST, _X32, otherwise=1),
        refuse,
    ]
    for number in (*calls.network, *calls.programs, *calls.files, *calls.kernel):
        program += [_line(_JUMP_IF_EQUAL, number, otherwise=1), refuse]
    # glibc takes the older call, whose flags can be looked at, when this one is not there
    program += [_line(_JUMP_IF_EQUAL, calls.clone3, otherwise=1), _line(_ANSWER, _REFUSE | errno.ENOSYS)]
    allow = _line(_ANSWER, _ALLOW)
    for number, argument in calls.opening:
        flags = _line(_LOAD, _ARGUMENTS_AT + 8 * argument)
        writing = _line(_JUMP_IF_ANY_BIT, _WRITING, otherwise=1)
        program += [_line(_JUMP_IF_EQUAL, number, otherwise=4), flags, writing, refuse, allow]
    flags = _line(_LOAD, _ARGUMENTS_AT)
    thread = _line(_JUMP_IF_ANY_BIT, _CLONE_THREAD, then=1)
    program += [_line(_JUMP_IF_EQUAL, calls.clone, otherwise=4), flags, thread, refuse, allow]
    ourselves = _line(_JUMP_IF_EQUAL, os.getpid(), then=1)
    program += [_line(_JUMP_IF_EQUAL, calls.tgkill, otherwise=4), flags, ourselves, refuse, allow]
    return [*program, allow]


def _line(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
