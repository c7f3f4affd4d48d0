"""Reads every photo once to know it by its content, on a few threads."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from trapper_cli.runs.scan import FileFailure, PhotoFile

_THREADS = 4


def sha256_of(photo: PhotoFile) -> str:
    """The hash of a file's bytes."""
    with photo.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_photos(
    photos: Sequence[PhotoFile], hashed: Callable[[], None] = lambda: None
) -> tuple[dict[str, str], list[FileFailure]]:
    """The hash of each photo by its relative path, and the files that could not be read to their end."""
    hashes: dict[str, str] = {}
    failures: list[FileFailure] = []

    def one(photo: PhotoFile) -> str | FileFailure:
        try:
            return sha256_of(photo)
        except OSError as problem:
            return FileFailure(photo.relative, f"The file cannot be read: {problem.strerror}.")

    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        for photo, outcome in zip(photos, pool.map(one, photos), strict=True):
            hashed()
            if isinstance(outcome, str):
                hashes[photo.relative] = outcome
            else:
                failures.append(outcome)
    return hashes, failures
