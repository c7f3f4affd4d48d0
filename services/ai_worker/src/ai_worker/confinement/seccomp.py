"""A seccomp filter (Linux) against sockets, other programs and processes, and changes of files."""

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
"""Flags of a file that is opened to be changed."""
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_CLONE_THREAD = 0x00010000
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ANY_BIT, _JUMP_IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000


@dataclass(frozen=True, slots=True)
class Calls:
    """System call numbers of one processor family."""

    architecture: int
    network: tuple[int, ...]
    programs: tuple[int, ...]
    """Starting others, and reaching into them."""
    files: tuple[int, ...]
    """Changing them; reading is needed."""
    kernel: tuple[int, ...]
    """System administration and ways around the filter: mounts, modules, namespaces, bpf, io_uring."""
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


def filter_calls(*, may_write: bool) -> list[str]:
    """Installs the filter for this thread and later ones; returns what is enforced."""
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None:
        return []
    program = _program(calls, may_write=may_write)
    lines = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
    whole = struct.pack("@HP", len(program), ctypes.addressof(lines))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong]
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) or prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, whole, 0, 0):
        return []
    return ["seccomp"]


def _program(calls: Calls, *, may_write: bool) -> list[bytes]:
    """Returns the filter program; calls that it does not name are allowed."""
    refuse = _line(_ANSWER, _REFUSE | errno.EPERM)
    program = [
        _line(_LOAD, _ARCHITECTURE_AT),
        _line(_JUMP_IF_EQUAL, calls.architecture, then=1),
        _line(_ANSWER, _KILL),
        _line(_LOAD, _NUMBER_AT),
        _line(_JUMP_IF_AT_LEAST, _X32, otherwise=1),
        refuse,
    ]
    for number in (*calls.network, *calls.programs, *(() if may_write else calls.files), *calls.kernel):
        program += [_line(_JUMP_IF_EQUAL, number, otherwise=1), refuse]
    # glibc takes the older call, whose flags can be looked at, when this one is not there
    program += [_line(_JUMP_IF_EQUAL, calls.clone3, otherwise=1), _line(_ANSWER, _REFUSE | errno.ENOSYS)]
    allow = _line(_ANSWER, _ALLOW)
    for number, argument in () if may_write else calls.opening:
        flags = _line(_LOAD, _ARGUMENTS_AT + 8 * argument)
        writing = _line(_JUMP_IF_ANY_BIT, WRITING, otherwise=1)
        program += [_line(_JUMP_IF_EQUAL, number, otherwise=4), flags, writing, refuse, allow]
    flags = _line(_LOAD, _ARGUMENTS_AT)
    thread = _line(_JUMP_IF_ANY_BIT, _CLONE_THREAD, then=1)
    program += [_line(_JUMP_IF_EQUAL, calls.clone, otherwise=4), flags, thread, refuse, allow]
    ourselves = _line(_JUMP_IF_EQUAL, os.getpid(), then=1)
    program += [_line(_JUMP_IF_EQUAL, calls.tgkill, otherwise=4), flags, ourselves, refuse, allow]
    return [*program, allow]


def _line(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
