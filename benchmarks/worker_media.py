"""Photos at a media server of this machine, and the Worker's own way of fetching them."""

import asyncio
import hashlib
import os
import shutil
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ai_worker.batches.worker import Worker
from ai_worker.devices.work import ResourceWork
from ai_worker.media.fetch import fetch_media
from benchmarks.report import ROOT
from benchmarks.stack import HOST, free_port
from tests.support.make.ai_worker import open_worker
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.resources import ResourceRef

PATIENT = {"media": 300.0, "patience": 300.0}


@dataclass
class Media:
    """Where the photos are, and how often each is asked for."""

    work: Worker
    paths: Sequence[Path]
    origin: str
    server: int
    """Its process."""
    digests: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.paths]

    @asynccontextmanager
    async def fetched(self, count: int) -> AsyncGenerator[tuple[ResourceWork, ...], None]:
        """So many photos as files, which are there until the block ends, as those of a batch are."""
        folder = self.work.media_folder(uuid7())
        references = [self._reference(index % len(self.paths)) for index in range(count)]
        files = await fetch_media(
            self.work, self.work.media, references, grant="a grant", origins=[self.origin], folder=folder
        )
        try:
            assert all(isinstance(file, Path) for file in files), "a photo could not be fetched"
            yield tuple(ResourceWork(ref, file) for ref, file in zip(references, files, strict=True))
        finally:
            shutil.rmtree(folder)

    def core_seconds(self) -> float:
        """What this process and the media server have used of the processor so far."""
        return time.process_time() + _thread_seconds(self.server)

    def _reference(self, index: int) -> ResourceRef:
        return ResourceRef(
            id=uuid7(),
            url=f"{self.origin}/{index}",
            sha256=self.digests[index],
            media_type="image/jpeg",
            size_bytes=self.paths[index].stat().st_size,
        )


@asynccontextmanager
async def media_of(paths: Sequence[Path], folder: Path) -> AsyncGenerator[Media, None]:
    """A media server with these photos, and a Worker's world that may ask it."""
    port = free_port()
    program = (sys.executable, "-m", "benchmarks.media_server", *map(str, paths), str(port))
    server = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n", "the media server did not start"
        async with open_worker(folder, intervals=PATIENT) as work:
            yield Media(work, paths, f"http://{HOST}:{port}", server.pid)
    finally:
        server.kill()
        await server.wait()


def _thread_seconds(pid: int) -> float:
    """The same of a process that has but one thread, to the nanosecond where the system tells."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9
    except OSError:
        return core_seconds(pid)


def core_seconds(pid: int | None) -> float:
    """What another process has used of the processor; nothing where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
