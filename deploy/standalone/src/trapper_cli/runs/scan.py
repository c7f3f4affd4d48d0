"""Finds the photos of a folder, and says of everything else why it is left out."""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trapper_cli.runs.background import Activity, Background, Unanswered
from trapper_cli.runs.names import byte_order, portable
from trapper_cli.runs.sniff import HEAD_BYTES, Media, by_ending, sniff

VIDEO_IS_NOT_SUPPORTED = "Video is not supported yet."

_SYSTEM_FOLDERS = {
    ".git",
    ".thumbnails",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    ".fseventsd",
    ".trash",
    ".trashes",
}
_SYSTEM_FOLDER_BEGINNINGS = (".spotlight-", ".trash-")
_LEADS_NOWHERE = {errno.ENOENT, errno.ELOOP}
"""A link without a target is no input that is missing."""


@dataclass(frozen=True)
class PhotoFile:
    """One photo; `relative` is its path below the run's folder with `/`, byte for byte (`names.portable`)."""

    path: Path
    relative: str
    size: int

    @property
    def folder(self) -> str:
        """The folder that holds it; empty for photos that lie directly in the run's folder."""
        return self.relative.rpartition("/")[0]


@dataclass(frozen=True)
class FileFailure:
    """A file or folder without a result, and why; `is_unread` says that its bytes could not be read from the drive."""

    relative: str
    reason: str
    is_media: bool = True
    is_unread: bool = False


@dataclass
class Scan:
    """What lies in a folder, in byte order."""

    photos: list[PhotoFile] = field(default_factory=list[PhotoFile])
    failures: list[FileFailure] = field(default_factory=list[FileFailure])
    ignored: int = 0

    def fail(self, relative: str, reason: str, problem: OSError | None = None, *, is_media: bool = True) -> None:
        is_unread = problem is None or problem.errno not in _LEADS_NOWHERE
        self.failures.append(FileFailure(relative or ".", reason, is_media=is_media, is_unread=is_unread))

    def sort(self) -> None:
        self.photos.sort(key=lambda photo: byte_order(photo.relative))
        self.failures.sort(key=lambda failure: byte_order(failure.relative))


def scan_folder(root: Path, *, warn: Callable[[str], None], give_up_seconds: float | None = None) -> Scan:
    """Every photo below the folder once; links to folders inside it are not followed, and loops end.

    A drive that does not answer for `give_up_seconds` ends the scan with what was found until then.
    """
    walk = _Walk(root)
    background = Background(_Walk.run, threads=1, warn=warn, give_up_seconds=give_up_seconds)
    for _, result in background.run([walk]):
        scan = walk.stopped(result) if isinstance(result, Unanswered) else result
        scan.sort()
        return scan
    raise AssertionError("a walk without a result")


class _Walk:
    """One walk through a folder, whose state can be read while it is stuck."""

    def __init__(self, root: Path) -> None:
        self._top = os.path.realpath(root)
        self._waiting = [(str(root), "")]
        self._current: str | None = None
        self._seen: set[tuple[int, int]] = set()
        self._scan = Scan()

    def run(self, activity: Activity) -> Scan:
        while self._waiting:
            folder, self._current = self._waiting.pop()
            activity.at(folder)
            for entry in self._entries(folder, self._current):
                activity.at(entry.path)
                self._take(entry, f"{self._current}/{portable(entry.name)}".removeprefix("/"))
        self._current = None
        return self._scan

    def stopped(self, result: Unanswered) -> Scan:
        """A copy of what was found, with the folders that were not read, for a walk that is stuck."""
        scan = Scan(list(self._scan.photos), list(self._scan.failures), self._scan.ignored)
        reason = f"The drive did not answer for {result.seconds:.0f} s"
        if self._current is not None:
            scan.fail(self._current, f"{reason}, so the folder was read only in part.", is_media=False)
        for _, relative in list(self._waiting):
            scan.fail(relative, f"{reason}, so the folder was not read.", is_media=False)
        return scan

    def _entries(self, folder: str, relative: str) -> list["os.DirEntry[str]"]:
        """The folder's entries as far as they can be read."""
        listed: list[os.DirEntry[str]] = []
        try:
            status = os.stat(folder)  # noqa: PTH116 - strings all the way, a card may hold a million files
            if (status.st_dev, status.st_ino) in self._seen:
                return listed
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                listed.extend(entries)
        except OSError as problem:
            read = f"Only {len(listed)} entries of the folder could be read" if listed else "The folder cannot be read"
            self._scan.fail(relative, f"{read}: {problem.strerror}.", is_media=False)
        return listed

    def _take(self, entry: "os.DirEntry[str]", relative: str) -> None:
        if not _is_folder(entry):
            self._look_at(entry.path, relative)
        elif _is_system_folder(entry.name) or (entry.is_symlink() and _lies_in(entry.path, self._top)):
            self._scan.ignored += 1
        else:
            self._waiting.append((entry.path, relative))

    def _look_at(self, path: str, relative: str) -> None:
        name = relative.rpartition("/")[2]
        try:
            status = os.stat(path)  # noqa: PTH116 - as above
            if not stat.S_ISREG(status.st_mode):
                self._scan.ignored += 1
                return
            with open(path, "rb") as file:  # noqa: PTH123 - as above
                head = file.read(HEAD_BYTES)
        except OSError as problem:
            if by_ending(name) is not Media.OTHER:
                self._scan.fail(relative, f"The file cannot be read: {problem.strerror}.", problem)
            elif problem.errno == errno.EIO:
                self._scan.fail(relative, f"It cannot be read: {problem.strerror}.", problem, is_media=False)
            else:
                self._scan.ignored += 1
            return
        match sniff(name, head, status.st_size):
            case Media.PHOTO:
                self._scan.photos.append(PhotoFile(Path(path), relative, status.st_size))
            case Media.VIDEO:
                self._scan.failures.append(FileFailure(relative, VIDEO_IS_NOT_SUPPORTED))
            case Media.OTHER:
                self._scan.ignored += 1


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or a drive that fails: reading it says which
        return False


def _is_system_folder(name: str) -> bool:
    """Folders of systems and cameras' software: deleted files, thumbnails, indexes."""
    return name.lower() in _SYSTEM_FOLDERS or name.lower().startswith(_SYSTEM_FOLDER_BEGINNINGS)


def _lies_in(path: str, top: str) -> bool:
    target = os.path.realpath(path)
    return (
        target == top
        or target.startswith(top.rstrip(os.sep) + os.sep)
        or top.startswith(target.rstrip(os.sep) + os.sep)
    )
