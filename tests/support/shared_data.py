"""Real photos and networks that are not part of the project; tests that need them are skipped where they are absent."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("TRAPPER_SHARED_DATA") or _ROOT / ".." / "shared" / "data").resolve()


def shared_data(*parts: str) -> Path:
    """A file or folder of the shared data; skips the test, saying what the machine lacks."""
    path = SHARED_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"this machine lacks the real data {'/'.join(parts)} (TRAPPER_SHARED_DATA={SHARED_DATA})")
    return path
