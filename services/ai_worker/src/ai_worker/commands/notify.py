"""Notifies systemd that the worker is ready, alive and leaving: the protocol of sd_notify, over its socket."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ai_worker.batches.worker import Worker
from trapper_kit.logs import log

_WATCHDOG_SECONDS = 10.0
_POLL_SECONDS = 0.2


@dataclass
class Notifier:
    """The socket of systemd and the interval of keep-alive messages; an empty address means that there is none."""

    address: str = ""
    every_seconds: float = _WATCHDOG_SECONDS
    watched: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Notifier":
        """From the environment that systemd sets; a watchdog meant for another process is ignored."""
        address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        own = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not (microseconds.isdigit() and own):
            return cls(address)
        return cls(address, min(_WATCHDOG_SECONDS, int(microseconds) / 1e6 / 2), watched=True)

    def send(self, *lines: str) -> None:
        """Send the lines; without a listener this does nothing."""
        if not self.address.startswith(("/", "@")):
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
                client.setblocking(False)
                client.sendto("\n".join(lines).encode(), address)
        except OSError as problem:
            log("systemd.unreachable", problem=str(problem))


@asynccontextmanager
async def notifying_systemd(work: Worker, notifier: Notifier) -> AsyncGenerator[None, None]:
    """While the block runs: READY once every device has computed, then keep-alive messages while the loops turn."""
    if not notifier.address:
        yield
        return
    task = asyncio.create_task(_notify(work, notifier))
    work.parts["systemd notifier"] = task
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        notifier.send("STOPPING=1", "STATUS=has stopped")


async def _notify(work: Worker, notifier: Notifier) -> None:
    ready = leaving = False
    due = 0.0
    while True:
        if work.devices.ready and not ready:
            ready = True
            notifier.send("READY=1", f"STATUS={_status(work)}")
        if work.state.stopping and not leaving:
            leaving = True
            notifier.send("STOPPING=1", "STATUS=finishes its batches")
        if ready and work.monotonic() >= due:
            due = work.monotonic() + notifier.every_seconds
            _keep_alive(work, notifier)
        await asyncio.sleep(min(_POLL_SECONDS, notifier.every_seconds))


def _keep_alive(work: Worker, notifier: Notifier) -> None:
    stuck = work.standstill()
    if stuck is None:
        notifier.send(*(["WATCHDOG=1"] if notifier.watched else []), f"STATUS={_status(work)}")
    else:
        log("worker.standstill", level=logging.ERROR, problem=stuck)
        notifier.send(f"STATUS={stuck}")


def _status(work: Worker) -> str:
    closed = work.closed()
    speeds = work.speeds.batches.values()
    speed = sum(speeds) / len(speeds) if speeds else 0.0
    parts = [
        f"{len(work.state.unfinished)} batches",
        f"{speed:.1f} images per second",
        "the Manager does not answer" if work.rhythm.away else "the Manager answers",
    ]
    if closed is not None:
        parts.append(f"claims nothing: {closed}")
    return ", ".join(parts)
