"""Drops privileges of root: the user where possible, the capabilities always (Linux)."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

UNPRIVILEGED = 64_733
"""User and group that no distribution gives to anybody; only who confines a process runs one as it."""
_PR_CAPBSET_DROP, _HIGHEST_CAPABILITY = 24, 63
_CAPABILITY_VERSION = 0x20080522


def give_up_privileges(needed: Iterable[Path]) -> list[str]:
    """Returns what the process is now: another user if that one can read the files, else root without capabilities.

    Needs a process of one thread; later threads take it over.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return ["unprivileged"]
    if _can_read_as(UNPRIVILEGED, [path for path in needed if path.exists()]):
        os.setgroups([])
        os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
        os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
        return [f"user {UNPRIVILEGED}"]
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_HIGHEST_CAPABILITY + 1):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    nothing = bytes(24)
    if libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION, 0), nothing):
        return []
    return ["no capabilities"]


def open_to_unprivileged(*folders: Path) -> None:
    """Lets the unprivileged group through these folders of root."""
    if sys.platform == "linux" and os.geteuid() == 0:
        for folder in folders:
            with suppress(OSError):  # a file system without owners: the process stays root's, without capabilities
                os.chown(folder, -1, UNPRIVILEGED)
                folder.chmod(folder.stat().st_mode | 0o050)


def _can_read_as(user: int, paths: Iterable[Path]) -> bool:
    """Returns whether that user and group can read these files and folders."""
    groups = os.getgroups()
    try:
        os.setgroups([])
        os.setegid(user)
        os.seteuid(user)
    except OSError:
        return False
    try:
        return all(os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0), effective_ids=True) for path in paths)
    except OSError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
