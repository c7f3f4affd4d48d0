"""Writes a file whole or not at all: beside its place first, then moved over it."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from trapper_client.errors import Failure


def write_whole(path: Path, content: bytes) -> None:
    """Replaces the file in one step; a full disk or a closed folder is a sentence, and the former file stays."""
    beside: str | None = None
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(_mode_of(path))
        Path(beside).replace(path)
    except OSError as problem:
        if beside is not None:
            with suppress(OSError):
                Path(beside).unlink()
        raise Failure(f"{path} cannot be written: {problem.strerror}.") from problem


def _mode_of(path: Path) -> int:
    """The mode that an ordinary new file gets here, or that of the file which is replaced."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
