"""The folder of weights, and of what devices built from them: shared by processes, evicted by least use."""

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
    """One thing that takes room: weights, or a folder that a device built of them for one kind of itself."""

    sha256: str
    path: Path
    size_bytes: int
    used: float

    @property
    def is_weights(self) -> bool:
        return self.path.suffix != ""


@dataclass
class WeightsStore:
    """A folder of weights by their sha256; several processes may share it. The time of a file is its last use."""

    folder: Path
    checked: set[str] = field(default_factory=set[str])
    """Whose content this process has compared with its hash."""
    proposed: dict[str, PinProposal] = field(default_factory=dict[str, PinProposal])
    """By entry: the hash that its weights turned out to have, while no operator has confirmed one."""
    _used: dict[str, int] = field(default_factory=dict[str, int])
    """By sha256: the descriptor whose shared lock says that this process uses it."""

    @property
    def built(self) -> Path:
        """Where devices put what they build once per model, such as engines: a folder for each sha256."""
        return self.folder / "built"

    def path(self, sha256: str, kind: str) -> Path:
        """Where these weights lie, or will."""
        return self.folder / f"{sha256}.{kind}"

    def on_disk(self) -> tuple[str, ...]:
        """The sha256 of all weights here."""
        return tuple(sorted(path.stem for path in self._weights()))

    def by_last_use(self) -> list[str]:
        """The sha256 of all weights here, the last used first."""
        weights = [one for one in self._lying() if one.is_weights]
        return [one.sha256 for one in sorted(weights, key=lambda one: one.used, reverse=True)]

    def evict(self, limit_bytes: int, *, keep: Collection[str]) -> list[str]:
        """Remove the least used until the rest fits; what is in `keep` stays, and what any process uses.

        Weights take along what was built of them; engines of a model that stays may go alone.
        """
        self._let_go(keep)
        lying = sorted(self._lying(), key=lambda one: one.used)
        total = sum(one.size_bytes for one in lying)
        gone: list[str] = []
        for one in lying:
            if total <= limit_bytes:
                break
            if one.sha256 in keep or not one.path.exists():
                continue
            freed = self._remove_unused(one)
            total -= freed
            if freed:
                gone += [one.sha256] if one.is_weights else []
                log("weights.evicted" if one.is_weights else "engines.evicted", sha256=one.sha256, bytes=freed)
        return gone

    def make_room(self, size_bytes: int, *, keep: Collection[str]) -> None:
        """Evict until so much fits onto the disk; DiskFull when nothing is left that could go."""
        lacking = size_bytes - shutil.disk_usage(self.folder).free
        if lacking > 0:
            self.evict(self.size_bytes() - lacking, keep=keep)
        free = shutil.disk_usage(self.folder).free
        if free < size_bytes:
            raise DiskFull(f"no space left to write weights: they have {size_bytes} bytes, and {free} are free")

    def size_bytes(self) -> int:
        """What all weights and engines here take together."""
        return sum(one.size_bytes for one in self._lying())

    @property
    def used(self) -> tuple[str, ...]:
        """What this process keeps from being evicted."""
        return tuple(self._used)

    def use(self, sha256: str) -> None:
        """Keep these weights from being evicted by whoever shares the folder, until an eviction of ours lets go."""
        if sha256 not in self._used:
            descriptor = self._open_mark(sha256)
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits no longer than a removal takes
            self._used[sha256] = descriptor

    def close(self) -> None:
        """Use nothing any more."""
        self._let_go(())

    def _let_go(self, keep: Collection[str]) -> None:
        for sha256 in [one for one in self._used if one not in keep]:
            os.close(self._used.pop(sha256))

    def _remove_unused(self, one: _Lying) -> int:
        """The bytes that were freed: none while any process uses the model."""
        descriptor = self._open_mark(one.sha256)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            engines = self.built / one.sha256 if one.is_weights else one.path
            freed = _folder_bytes(engines)
            if one.is_weights:
                one.path.unlink(missing_ok=True)
                freed += one.size_bytes
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
        """Whatever another process removes meanwhile is left out."""
        found: list[_Lying] = []
        for path in self._weights():
            with suppress(FileNotFoundError):
                facts = path.stat()
                found.append(_Lying(path.stem, path, facts.st_size, facts.st_mtime))
        for path in self.built.glob(f"{_SHA256}/*/"):
            with suppress(FileNotFoundError):
                found.append(_Lying(path.parent.name, path, _folder_bytes(path), path.stat().st_mtime))
        return found

    @asynccontextmanager
    async def locked(self, sha256: str) -> AsyncGenerator[None, None]:
        """One at a time brings a file, among all processes that share the folder."""
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
