"""Reads and writes small JSON files that only their owner may read; a reader never sees half of one."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

PRIVATE = 0o600


def write_json(path: Path, document: Any) -> None:
    """Replace the file in one step."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def read_json(path: Path) -> dict[str, Any]:
    """The document, or an empty one when there is none or it is not ours."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
