"""Locales for a child process: plain C without any help from Python, one with a single byte per letter, and UTF-8."""

import os
import shutil
import subprocess
from pathlib import Path

LATIN = "de_DE.ISO-8859-1"
NAMES = ("C", LATIN, "C.UTF-8")


def locale_environment(name: str, folder: Path) -> dict[str, str] | None:
    """The environment of a child in this locale, made in `folder` where the system lacks it; None if it cannot be."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    plain = {**kept, "LC_ALL": name, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if name != LATIN:
        return plain
    localedef = shutil.which("localedef")
    if localedef is None:
        return None
    made = subprocess.run(
        [localedef, "-i", "de_DE", "-f", "ISO-8859-1", str(folder / LATIN)], capture_output=True, check=False
    )
    return {**plain, "LOCPATH": str(folder)} if made.returncode == 0 else None
