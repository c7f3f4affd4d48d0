"""A worker's state folder on a disk that can run full: a real small one where this account may mount it."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_BYTES = 24 * 1024**2
_PIECE = 1 << 16


@dataclass
class SmallDisk:
    """`fill` leaves no byte free, `free` gives it back; without the right to mount, the worker is told of no room."""

    folder: Path
    mounted: bool = False

    @property
    def kind(self) -> str:
        return "a real full tmpfs" if self.mounted else "AI_WORKER_MIN_FREE_BYTES: this account may not mount a tmpfs"

    def mount(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            command = ["mount", "-t", "tmpfs", "-o", f"size={_BYTES},mode=0700", "trapper-chaos", str(self.folder)]
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)
            self.mounted = False

    def fill(self) -> None:
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * _PIECE)  # the last one is short, and the one after it is ENOSPC

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)
