"""Folders of a worker on disks that can run full: real small ones where this account may mount them."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

_PIECE = 1 << 12


@dataclass
class SmallDisk:
    """`fill` leaves no byte free, `free` gives it back; without the right to mount there is `flag` for who looks."""

    folder: Path
    size_bytes: int
    flag: Path
    mounted: bool = False
    _ballast: FileIO | None = None

    @property
    def kind(self) -> str:
        return "a real full tmpfs" if self.mounted else "a stand-in, since this account may not mount a tmpfs"

    def mount(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            options = f"size={self.size_bytes},mode=0700"
            command = ["mount", "-t", "tmpfs", "-o", options, "trapper-chaos", str(self.folder)]
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)
            self.mounted = False

    def fill(self) -> None:
        if not self.mounted:
            self.flag.touch()
            return
        name = self.folder / "ballast"
        self._ballast = FileIO(name, "w")
        name.unlink()  # it takes its room as long as it is open, and nobody who tidies up finds it
        with suppress(OSError):
            while True:
                self._ballast.write(b"x" * _PIECE)  # the last one is short, and the one after it is ENOSPC

    def free(self) -> None:
        self.flag.unlink(missing_ok=True)
        if self._ballast is not None:
            self._ballast.close()
            self._ballast = None
