"""Landlock (Linux from 5.13): limits which files a process may read and write, and which processes it may reach.

See https://docs.kernel.org/userspace-api/landlock.html; the numbers of its calls are the same on every processor.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GIVE_VERSION, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_RIGHTS_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights that are known from this version on: 2 brings moving between folders, 3 truncating, 5 device controls."""
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_TCP_VERSION, _TCP = 4, 0b11
_SCOPE_VERSION, _SCOPE = 6, 0b11
"""Signals to other processes, and abstract Unix sockets."""


def restrict(*, readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """Allows reading and writing below these paths only; returns what is enforced, empty without Landlock.

    Without `readable`, everything can be read. It holds for this thread and those that it starts from here on.
    """
    version = _call(_CREATE_RULESET, None, 0, _GIVE_VERSION) if sys.platform == "linux" else -1
    if version < 1:
        return []
    rights = _RIGHTS_OF_VERSION[max(known for known in _RIGHTS_OF_VERSION if known <= version)]
    readable = tuple(readable)
    handled = rights if readable else rights & ~_READING
    attributes = struct.pack(
        "=QQQ", handled, _TCP if version >= _TCP_VERSION else 0, _SCOPE if version >= _SCOPE_VERSION else 0
    )
    size = 24 if version >= _SCOPE_VERSION else 16 if version >= _TCP_VERSION else 8
    ruleset = _call(_CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        return []
    try:
        for path in readable:
            _allow(ruleset, path, _READING)
        for path in writable:
            _allow(ruleset, path, handled)
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return ["landlock"] if _call(_RESTRICT_SELF, ruleset, 0) == 0 else []
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Adds a rule; a missing path needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if path.is_dir() else rights & _OF_A_FILE
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(syscall(ctypes.c_long(number), *given))
