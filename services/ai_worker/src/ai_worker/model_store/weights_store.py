"""The folder of weights and engines, shared by processes; the least recently used are evicted (LRU)."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ai_worker.base import DiskFull
from trapper_kit.logs import log
from trapper_schemas.v1.workers import PinProposal

_LOCK_PAUSE_SECONDS = 0.05
_SHA256 = "[0-9a-f]" * 64


@dataclass(frozen=True, slots=True)
class _Lying:
    """A file of weights, or a folder that a device built from them."""

    sha256: str
    path: Path
    size_bytes: int
    used: float

    @property
    def is_weights(self) -> bool:
        return self.path.suffix != ""


@dataclass
class WeightsStore:
    """Weights by their sha256; several processes may share the folder. A file's time is its last use."""

    folder: Path
    checked: set[str] = field(default_factory=set[str])
    """Whose content this process has compared with its hash."""
    proposed: dict[str, PinProposal] = field(default_factory=dict[str, PinProposal])
    """By entry: the hash that its weights turned out to have, while no operator has confirmed one."""
    _used: dict[str, int] = field(default_factory=dict[str, int])
    """By sha256: the descriptor whose shared lock says that this process uses it."""

    @property
    def built(self) -> Path:
        """The folder of what devices build once per model, such as engines: one folder per sha256."""
        return self.folder / "built"

    def path(self, sha256: str, kind: str) -> Path:
        """Returns the path of these weights."""
        return self.folder / f"{sha256}.{kind}"

    def on_disk(self) -> tuple[str, ...]:
        """Returns the sha256 of all weights."""
        return tuple(sorted(path.stem for path in self._weights()))

    def by_last_use(self) -> list[str]:
        """Returns the sha256 of all weights, the last used first."""
        weights = [file for file in self._lying() if file.is_weights]
        return [file.sha256 for file in sorted(weights, key=lambda file: file.used, reverse=True)]

    def evict(self, limit_bytes: int, *, keep: Collection[str]) -> list[str]:
        """Deletes the least recently used until the rest fits, except `keep` and what a process uses.

        Weights take along what was built of them; engines of a model that stays may go alone.
        """
        self._let_go(keep)
        lying = sorted(self._lying(), key=lambda file: file.used)
        total = sum(file.size_bytes for file in lying)
        gone: list[str] = []
        for file in lying:
            if total <= limit_bytes:
                break
            if file.sha256 in keep or not file.path.exists():
                continue
            freed = self._remove_unused(file)
            total -= freed
            if freed:
                gone += [file.sha256] if file.is_weights else []
                log("weights.evicted" if file.is_weights else "engines.evicted", sha256=file.sha256, bytes=freed)
        return gone

    def make_room(self, size_bytes: int, *, keep: Collection[str]) -> None:
        """Evicts until so much fits onto the disk; DiskFull when nothing is left to evict."""
        lacking = size_bytes - shutil.disk_usage(self.folder).free
        if lacking > 0:
            self.evict(self.size_bytes() - lacking, keep=keep)
        free = shutil.disk_usage(self.folder).free
        if free < size_bytes:
            raise DiskFull(f"no space left to write weights: they have {size_bytes} bytes, and {free} are free")

    def size_bytes(self) -> int:
        """Returns the size of all weights and engines."""
        return sum(file.size_bytes for file in self._lying())

    @property
    def used(self) -> tuple[str, ...]:
        """The sha256 that this process protects from eviction."""
        return tuple(self._used)

    def use(self, sha256: str) -> None:
        """Protects these weights from eviction by any process that shares the folder."""
        if sha256 not in self._used:
            descriptor = self._open_mark(sha256)
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits no longer than a removal takes
            self._used[sha256] = descriptor

    def close(self) -> None:
        """Ends every protection."""
        self._let_go(())

    def _let_go(self, keep: Collection[str]) -> None:
        for sha256 in [used for used in self._used if used not in keep]:
            os.close(self._used.pop(sha256))

    def _remove_unused(self, file: _Lying) -> int:
        """Returns the freed bytes: none while a process uses the model."""
        descriptor = self._open_mark(file.sha256)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            engines = self.built / file.sha256 if file.is_weights else file.path
            freed = _folder_bytes(engines)
            if file.is_weights:
                file.path.unlink(missing_ok=True)
                freed += file.size_bytes
            shutil.rmtree(engines, ignore_errors=True)
        except BlockingIOError:
            return 0
        finally:
            os.close(descriptor)
        return freed

    def _open_mark(self, sha256: str) -> int:
        return os.open(self.folder / f".{sha256}.use", os.O_RDWR | os.O_CREAT, 0o644)

    def _weights(self) -> list[Path]:
        return [path for kind in ("onnx", "hef") for path in self.folder.glob(f"{_SHA256}.{kind}")]

    def _lying(self) -> list[_Lying]:
        """Returns all files; those deleted meanwhile are left out."""
        files: list[_Lying] = []
        for path in self._weights():
            with suppress(FileNotFoundError):
                facts = path.stat()
                files.append(_Lying(path.stem, path, facts.st_size, facts.st_mtime))
        for path in self.built.glob(f"{_SHA256}/*/"):
            with suppress(FileNotFoundError):
                files.append(_Lying(path.parent.name, path, _folder_bytes(path), path.stat().st_mtime))
        return files

    @asynccontextmanager
    async def locked(self, sha256: str) -> AsyncGenerator[None, None]:
        """Lets one process at a time fetch a file, among all that share the folder."""
        descriptor = os.open(self.folder / f".{sha256}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOCK_PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
