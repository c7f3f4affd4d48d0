"""File operations that forget, at a power cut, whatever was not fsynced: bytes of files, and names in directories."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trapper_kit.objects import FileOperations


class PowerCut(BaseException):
    """The machine is off; nothing of the process runs any more."""


@dataclass
class LossyFiles(FileOperations):
    """A disk whose cache is lost: `cut` undoes every unsynced change, newest first; `calls_left` cuts in the middle."""

    calls_left: int | None = None
    _paths: dict[int, Path] = field(default_factory=dict[int, Path])
    _unsynced_bytes: dict[Path, int] = field(default_factory=dict[Path, int])
    """By file: how many of its bytes are on the disk."""
    _unsynced_names: list[tuple[Path, Callable[[], None]]] = field(
        default_factory=list[tuple[Path, Callable[[], None]]]
    )
    """Directory and how to undo the change of one name in it."""

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]  # a method, to keep notes
        self._step()
        descriptor = os.open(path, flags, mode)
        self._paths[descriptor] = Path(path)
        if flags & os.O_CREAT:
            self._unsynced_bytes[Path(path)] = 0
            self._unsynced_names.append((Path(path).parent, lambda: Path(path).unlink(missing_ok=True)))
        return descriptor

    def write(self, descriptor: int, data: Any) -> int:  # type: ignore[override]
        self._step()
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:  # type: ignore[override]
        self._step()
        path = self._paths[descriptor]
        if path.is_dir():
            self._unsynced_names = [change for change in self._unsynced_names if change[0] != path]
        else:
            self._unsynced_bytes.pop(path, None)

    def close(self, descriptor: int) -> None:  # type: ignore[override]
        self._paths.pop(descriptor, None)
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:  # type: ignore[override]
        self._step()
        before = target.read_bytes() if target.exists() else None
        source.replace(target)
        if source in self._unsynced_bytes:
            self._unsynced_bytes[target] = self._unsynced_bytes.pop(source)

        def undo() -> None:
            target.unlink(missing_ok=True)
            if before is not None:
                target.write_bytes(before)

        self._unsynced_names.append((target.parent, undo))

    def mkdir(self, path: Path) -> None:  # type: ignore[override]
        self._step()
        path.mkdir()
        self._unsynced_names.append((path.parent, lambda: _remove_tree(path)))

    def unlink(self, path: Path) -> None:  # type: ignore[override]
        path.unlink()

    def cut(self) -> None:
        """Turn the power off: what remains is what the disk had."""
        for path, kept in self._unsynced_bytes.items():
            if path.exists():
                os.truncate(path, kept)
        for _, undo in reversed(self._unsynced_names):
            undo()
        self._unsynced_bytes.clear()
        self._unsynced_names.clear()

    def _step(self) -> None:
        if self.calls_left is not None:
            if self.calls_left == 0:
                raise PowerCut
            self.calls_left -= 1


def _remove_tree(path: Path) -> None:
    for found in sorted(path.rglob("*"), reverse=True):
        found.rmdir() if found.is_dir() else found.unlink()
    if path.exists():
        path.rmdir()
