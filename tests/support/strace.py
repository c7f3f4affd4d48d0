"""System calls of a process and of all its children, as strace writes them down."""

import re
import shutil
import stat
import sys
from pathlib import Path

import pytest

NEEDS_STRACE = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
_NETWORK = re.compile(r"\bAF_INET6?\b")
_WRITING = re.compile(r'\bopen(?:at)?\(.*"(?P<path>[^"]+)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)[^)]*\) = \d')
_NO_FILES = ("/dev/null", "/proc/self/")


def strace_command(log: Path, *command: str) -> list[str]:
    """The command, traced: network calls, and the calls that open files."""
    return ["strace", "-f", "-qq", "-s", "300", "-e", "trace=%network,open,openat,creat", "-o", str(log), *command]


def traced_python(folder: Path, log: Path) -> Path:
    """A stand-in for the interpreter that runs it under strace."""
    script = folder / "traced-python"
    script.write_text("#!/bin/sh\nexec " + " ".join(strace_command(log, sys.executable)) + ' "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def network_calls(log: Path) -> list[str]:
    """Calls that reach for a network; a look-up of a name is one, a user's entry in the local name service is none."""
    return [line for line in log.read_text("utf-8").splitlines() if _NETWORK.search(line)]


def files_written(log: Path) -> list[str]:
    """Files that were opened for writing and are still there."""
    found = (_WRITING.search(line) for line in log.read_text("utf-8").splitlines())
    paths = [match["path"] for match in found if match]
    return [path for path in paths if not path.startswith(_NO_FILES) and Path(path).exists()]
