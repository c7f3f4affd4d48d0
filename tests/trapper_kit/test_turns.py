"""A loop survives whatever one turn of it raises, on every supported Python; parts that end are reported."""

import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.trapper_kit import survive_turns

VERSIONS = ("3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """Where this Python is, on the path or in pyenv's folder."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(home.glob(f"versions/{version}.*/bin/python{version}"))
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_loops_and_parts_survive_every_exception_on_each_python(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    ran = subprocess.run(
        [python, "-E", "-s", survive_turns.__file__], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"survived on {version}.")
    assert "never retrieved" not in ran.stderr


async def test_part_that_ends_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        await survive_turns.parts_end()
    lines = [record for record in caplog.records if record.getMessage() == "part.ended"]
    assert len(lines) == len(survive_turns.troubles()) + 1
    assert all(line.exc_info is not None for line in lines)
    assert lines[0].__dict__["fields"]["part"] == "broken"
