"""Records this process's own system calls with strace, to show what was on the disk before an answer or a commit."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TRACED = "fsync,fdatasync,rename,renameat,renameat2,write,sendto,sendmsg,sendfile"
_LINE = re.compile(r"^(\d+)\s+(.*)$")
_UNFINISHED = re.compile(r"^(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")


@dataclass
class SystemCalls:
    """Completed calls in the order in which they completed; `mark` writes one that stands for an answer."""

    marks: int
    lines: list[str] = field(default_factory=list[str])

    def mark(self, text: str) -> None:
        """Note that the caller has its answer now."""
        os.write(self.marks, f"MARK {text}".encode())

    def index(self, *parts: str, after: int = -1) -> int:
        """Where the first call after `after` stands that has all these parts; fails the test when none has."""
        for number, line in enumerate(self.lines):
            if number > after and all(part in line for part in parts):
                return number
        raise AssertionError(f"no call with {parts} after number {after} in:\n" + "\n".join(self.lines[-60:]))

    def assert_durable(self, key: str, mark: str, *, commit: str = "COMMIT") -> None:
        """Synced under a temporary name, renamed, its directory synced; only then a commit, only then the answer.

        `commit` is a part of the statement that commits: COMMIT itself, or a statement that runs alone.
        """
        directory, name = key.rsplit("/", 1)
        renamed = self.index("rename", f"/{name}")
        temporary = re.search(r'"([^"]*/incoming/[^"]*)"', self.lines[renamed])
        assert temporary, self.lines[renamed]
        assert self.index("fsync(", f"<{temporary.group(1)}>", ") = 0") < renamed
        directory_synced = self.index("fsync(", f"/{directory}>", ") = 0", after=renamed)
        committed = self.index("sendto(", commit, after=renamed)
        answered = self.index(f"MARK {mark}", after=renamed)
        assert directory_synced < committed < answered


@contextmanager
def system_calls(folder: Path) -> Generator[SystemCalls, None, None]:
    """Trace every thread of this process until the end of the block."""
    if shutil.which("strace") is None:
        pytest.skip("this machine has no strace (Debian: apt-get install strace)")
    output = folder / "strace.txt"
    arguments = ["strace", "-f", "-y", "-s", "80", "-e", f"trace={TRACED}", "-e", "signal=none", "-o", str(output)]
    tracer = subprocess.Popen([*arguments, "-p", str(os.getpid())], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    attached = tracer.stderr.readline()
    if "attached" not in attached:
        tracer.wait()
        pytest.skip(f"strace may not trace this process: {attached.strip()}")
    marks = os.open(os.devnull, os.O_WRONLY)
    calls = SystemCalls(marks)
    try:
        yield calls
    finally:
        os.close(marks)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    calls.lines = _completed(output.read_text("utf-8", "replace"))


def _completed(text: str) -> list[str]:
    begun: dict[str, str] = {}
    completed: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        thread, call = match.groups()
        if unfinished := _UNFINISHED.match(call):
            begun[thread] = unfinished.group(1)
        elif resumed := _RESUMED.match(call):
            completed.append(begun.pop(thread, "") + resumed.group(1))
        else:
            completed.append(call)
    return completed
