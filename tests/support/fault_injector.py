"""Injects faults in front of a real app: refuses some calls with 503, or loses the reply of calls that it handled."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Scope = dict[str, Any]


async def _away(send: Callable[[Any], Any]) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class FaultInjector:
    """By a part of the path: `unavailable` calls get 503 at once, `reply_lost` ones are handled and then get 503."""

    app: Any
    unavailable: set[str] = field(default_factory=set[str])
    reply_lost: set[str] = field(default_factory=set[str])
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        self.calls.append((scope["method"], path))
        if any(part in path for part in self.unavailable):
            await _away(send)
            return
        if not any(part in path for part in self.reply_lost):
            await self.app(scope, receive, send)
            return

        async def lose(_message: Any) -> None:
            await asyncio.sleep(0)

        await self.app(scope, receive, lose)
        await _away(send)

    def count(self, part: str) -> int:
        """How many calls had this in their path."""
        return sum(part in path for _, path in self.calls)
