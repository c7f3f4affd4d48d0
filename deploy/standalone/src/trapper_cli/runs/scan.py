"""Finds the photos of a folder, and says of everything else why it is left out."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trapper_cli.runs.names import byte_order
from trapper_cli.runs.sniff import HEAD_BYTES, Media, by_ending, sniff

VIDEO_IS_NOT_SUPPORTED = "Video is not supported yet."

_BINS = {
    ".git",
    ".thumbnails",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    ".fseventsd",
    ".trash",
    ".trashes",
}
_BIN_BEGINNINGS = (".spotlight-", ".trash-")


@dataclass(frozen=True)
class PhotoFile:
    """One photo as it lies in the folder; `relative` is its path below the folder with `/`, byte for byte."""

    path: Path
    relative: str
    size: int

    @property
    def folder(self) -> str:
        """The leaf folder, which is one deployment; empty for photos that lie directly in the folder."""
        return self.relative.rpartition("/")[0]


@dataclass(frozen=True)
class FileFailure:
    """A file, or a folder, of which nothing can be said but why."""

    relative: str
    reason: str
    is_media: bool = True


@dataclass
class Scan:
    """What lies in a folder, in byte order."""

    photos: list[PhotoFile] = field(default_factory=list[PhotoFile])
    failures: list[FileFailure] = field(default_factory=list[FileFailure])
    ignored: int = 0


def scan_folder(root: Path) -> Scan:
    """Every photo below the folder once; links to folders that lie inside it are not followed, loops neither."""
    found = Scan()
    for path, relative in _files(root, found):
        _look_at(path, relative, found)
    found.photos.sort(key=lambda photo: byte_order(photo.relative))
    found.failures.sort(key=lambda failure: byte_order(failure.relative))
    return found


def _files(root: Path, found: Scan) -> Iterator[tuple[str, str]]:
    top = os.path.realpath(root)
    waiting = [(str(root), "")]
    seen: set[tuple[int, int]] = set()
    while waiting:
        folder, relative = waiting.pop()
        try:
            status = os.stat(folder)  # noqa: PTH116 - strings all the way, a card may hold a million files
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                listed = list(entries)
        except OSError as problem:
            reason = f"The folder cannot be read: {problem.strerror}."
            found.failures.append(FileFailure(relative or ".", reason, is_media=False))
            continue
        for entry in listed:
            below = f"{relative}/{entry.name}" if relative else entry.name
            if not _is_folder(entry):
                yield entry.path, below
            elif _is_bin(entry.name) or (entry.is_symlink() and _lies_in(entry.path, top)):
                found.ignored += 1
            else:
                waiting.append((entry.path, below))


def _look_at(path: str, relative: str, found: Scan) -> None:
    name = relative.rpartition("/")[2]
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
        if not stat.S_ISREG(status.st_mode):
            found.ignored += 1
            return
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            head = file.read(HEAD_BYTES)
    except OSError as problem:
        if by_ending(name) is Media.OTHER:
            found.ignored += 1
        else:
            found.failures.append(FileFailure(relative, f"The file cannot be read: {problem.strerror}."))
        return
    match sniff(name, head, status.st_size):
        case Media.PHOTO:
            found.photos.append(PhotoFile(Path(path), relative, status.st_size))
        case Media.VIDEO:
            found.failures.append(FileFailure(relative, VIDEO_IS_NOT_SUPPORTED))
        case Media.OTHER:
            found.ignored += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_bin(name: str) -> bool:
    """Folders of systems and cameras' software: what was deleted, thumbnails, indexes."""
    return name.lower() in _BINS or name.lower().startswith(_BIN_BEGINNINGS)


def _lies_in(path: str, top: str) -> bool:
    target = os.path.realpath(path)
    return (
        target == top
        or target.startswith(top.rstrip(os.sep) + os.sep)
        or top.startswith(target.rstrip(os.sep) + os.sep)
    )
