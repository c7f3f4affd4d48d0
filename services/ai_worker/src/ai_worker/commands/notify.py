"""Tells systemd that the worker is ready, lives and leaves: the protocol of sd_notify, over its socket."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ai_worker.batches.hand import Hand
from trapper_kit.logs import log

_TELL_SECONDS = 10.0
_LOOK_SECONDS = 0.2


@dataclass
class Notifier:
    """Where to tell it, and how often to give a sign of life; an empty address means that nobody listens."""

    address: str = ""
    every_seconds: float = _TELL_SECONDS
    watched: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Notifier":
        """As systemd says it; a watchdog that is meant for another process is none of ours."""
        address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not (microseconds.isdigit() and ours):
            return cls(address)
        return cls(address, min(_TELL_SECONDS, int(microseconds) / 1e6 / 2), watched=True)

    def tell(self, *lines: str) -> None:
        """Send it; whoever does not listen misses nothing."""
        if not self.address.startswith(("/", "@")):
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling:
                telling.setblocking(False)
                telling.sendto("\n".join(lines).encode(), address)
        except OSError as problem:
            log("systemd.unheard", problem=str(problem))


@asynccontextmanager
async def telling_systemd(work: Hand, notifier: Notifier) -> AsyncGenerator[None, None]:
    """While the block runs: READY once the first inference process is there, then a sign of life while loops turn."""
    if not notifier.address:
        yield
        return
    telling = asyncio.create_task(_tell(work, notifier))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        notifier.tell("STOPPING=1", "STATUS=has stopped")


async def _tell(work: Hand, notifier: Notifier) -> None:
    ready = leaving = False
    due = 0.0
    while True:
        if work.child_ready and not ready:
            ready = True
            notifier.tell("READY=1", f"STATUS={_status(work)}")
        if work.switches.stopping and not leaving:
            leaving = True
            notifier.tell("STOPPING=1", "STATUS=finishes what is in hand")
        if ready and work.monotonic() >= due:
            due = work.monotonic() + notifier.every_seconds
            _give_sign(work, notifier)
        await asyncio.sleep(min(_LOOK_SECONDS, notifier.every_seconds))


def _give_sign(work: Hand, notifier: Notifier) -> None:
    stuck = work.standstill()
    if stuck is None:
        notifier.tell(*(["WATCHDOG=1"] if notifier.watched else []), f"STATUS={_status(work)}")
    else:
        log("worker.standstill", level=logging.ERROR, problem=stuck)
        notifier.tell(f"STATUS={stuck}")


def _status(work: Hand) -> str:
    closed = work.switches.closed(work.monotonic())
    speed = sum(work.speeds.values()) / len(work.speeds) if work.speeds else 0.0
    parts = [
        f"{len(work.deadlines)} batches in hand",
        f"{speed:.1f} pictures per second",
        "the Manager does not answer" if work.rhythm.away else "the Manager answers",
    ]
    if closed is not None:
        parts.append(f"claims nothing: {closed}")
    return ", ".join(parts)
