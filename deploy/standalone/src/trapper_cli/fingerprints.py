"""Recognises that nothing changed since the last start, so that what was done once is not done again."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from trapper_cli.servers.psql import Psql

CODE = ("libs", "services", "migrations", "models/weights", "requirements.lock")


def of_code(root: Path) -> str:
    """Changes with any file from which services, migrations and demo models are made."""
    digest = hashlib.sha256()
    for part in CODE:
        for path in _files(root / part):
            seen = path.stat()
            digest.update(f"{path.relative_to(root)}\0{seen.st_size}\0{seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def of_database(url: str) -> str:
    """Which database this is, not where it is: another after it was dropped and made again."""
    rows = Psql(url).run(
        "SELECT oid FROM pg_database WHERE datname = current_database();"
        "SELECT system_identifier FROM pg_control_system();"
    )
    return "-".join(row[0] for row in rows)


def of_folder(folder: Path) -> str:
    """Another after the folder was removed and made again."""
    return str(folder.stat().st_ino)


def of_words(*words: str) -> str:
    """One stamp out of several; secrets may be among the words."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:24]


def _files(top: Path) -> Iterable[Path]:
    if top.is_file():
        yield top
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.endswith(".pyc"))
