"""Limits of connections: how many, from one address, how long for headers, body and reply, how large the headers are.

uvicorn with httptools stays, because it is the fastest server measured here and lacks only these limits; hypercorn and
granian have time limits and neither caps connections by address, so each would need the same code around it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from trapper_kit.addresses import Network, is_in
from trapper_kit.logs import log
from trapper_kit.settings import ConnectionLimits

_REPLY = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 10\r\n\r\n"
_TOO_MANY = _REPLY % b"503 Service Unavailable"
_HEADERS_TOO_LARGE = _REPLY % b"431 Request Header Fields Too Large"
_TIMED_OUT = _REPLY % b"408 Request Timeout"

_IDLE, _HEADERS, _BODY, _REFUSED = "idle", "headers", "body", "refused"


def limited_protocol(
    limits: ConnectionLimits, *, trusted: Sequence[Network] = (), most: int | None = None
) -> type[HttpToolsProtocol]:
    """The protocol class of one server; `trusted` proxies have no limit per address, `most` is the process' own."""
    total = min(limits.total, most or limits.total)
    per_address = min(limits.per_address, max(1, total // 2))

    class Limited(LimitedProtocol):
        counts: ClassVar[Counter[str]] = Counter()

    Limited.limits, Limited.trusted, Limited.total, Limited.per_address = limits, trusted, total, per_address
    return Limited


class LimitedProtocol(HttpToolsProtocol):
    """One connection; whatever exceeds a limit is answered when nothing was answered yet, and closed."""

    limits: ClassVar[ConnectionLimits]
    trusted: ClassVar[Sequence[Network]]
    total: ClassVar[int]
    per_address: ClassVar[int]
    counts: ClassVar[Counter[str]]

    _address = ""
    _phase = _IDLE
    _bytes = 0
    """Of the headers or of the body, since the timer was started."""
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.counts[self._address] += 1
        crowded = self.counts[self._address] > self.per_address and not is_in(self._address, self.trusted)
        if crowded or len(self.connections) > self.total:
            log("connection.refused", address=self._address, connections=len(self.connections))
            self._refuse(_TOO_MANY)
            return
        self._start_timer(self.limits.header_seconds, self._time_out)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timers()
        self.counts[self._address] -= 1
        if self.counts[self._address] <= 0:
            del self.counts[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is _REFUSED:
            return
        if self._phase is _IDLE:
            self._phase, self._bytes = _HEADERS, 0
            self._start_timer(self.limits.header_seconds, self._time_out)
        if self._phase is _HEADERS:
            self._bytes += len(data)
        super().data_received(data)
        if self._phase is _HEADERS and self._bytes > self.limits.header_bytes:
            self._refuse(_HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.limits.header_bytes:
            self._refuse(_HEADERS_TOO_LARGE)
        if self._phase is _REFUSED:
            return
        super().on_headers_complete()
        self._phase, self._bytes = _BODY, 0
        self._start_timer(self.limits.body_seconds, self._check_body)

    def on_body(self, body: bytes) -> None:
        if self._phase is _REFUSED:
            return
        self._bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._phase is _REFUSED:
            return
        super().on_message_complete()
        self._phase = _IDLE
        self._cancel(self._timer)
        self._timer = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel(self._write_timer)
        self._write_timer = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._cancel(self._write_timer)
        self._write_timer = None
        super().resume_writing()

    def _check_body(self) -> None:
        """Close a body that comes slower than the limit; while the service itself reads slowly, look again later."""
        enough = self.limits.body_bytes_per_second * self.limits.body_seconds
        if self.cycle.response_complete or (self._bytes < enough and not self.flow.read_paused):
            self._time_out()
            return
        self._bytes = 0
        self._start_timer(self.limits.body_seconds, self._check_body)

    def _time_out(self) -> None:
        log("connection.timed_out", address=self._address)
        self._refuse(_TIMED_OUT)

    def _refuse(self, reply: bytes) -> None:
        self._phase = _REFUSED
        self._cancel_timers()
        # None before the first request, unlike uvicorn's annotation
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self.transport.write(reply)
        elif not cycle.response_started:
            cycle.disconnected = True  # nothing of the service's own reply may follow
            cycle.message_event.set()
            self.transport.write(reply)
        self.transport.close()

    def _start_timer(self, seconds: float, then: Any) -> None:
        self._cancel(self._timer)
        self._timer = self.loop.call_later(seconds, then)

    def _cancel_timers(self) -> None:
        self._cancel(self._timer)
        self._cancel(self._write_timer)
        self._timer = self._write_timer = None

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
