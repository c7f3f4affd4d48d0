"""Starts a worker whose spool can be full without a disk of its own: `... chaos_disk FLAG MODULE ARGUMENTS`.

For accounts that may not mount a small disk: as long as the file FLAG exists, nothing in the spool becomes durable.
"""

import errno
import os
import runpy
import sys
from pathlib import Path

_fsync = os.fsync


def full_while(flag: Path) -> None:
    """The system's own error, where a full disk would raise it too."""

    def fsync(descriptor: int) -> None:
        if flag.exists() and "/spool/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _fsync(descriptor)

    os.fsync = fsync  # type: ignore[assignment]  # the real one also takes whatever has a descriptor


if __name__ == "__main__":
    named, module, *arguments = sys.argv[1:]
    full_while(Path(named))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
