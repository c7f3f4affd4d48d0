"""Says in every reply to a caller of an old protocol when that protocol ends."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trapper_schemas.protocol import ENDINGS, HEADER

_HEADER = HEADER.lower().encode()
_TOLD: dict[bytes, list[tuple[bytes, bytes]]] = {
    str(protocol).encode(): [(name.lower().encode(), value.encode()) for name, value in ending.headers().items()]
    for protocol, ending in ENDINGS.items()
}


class Endings:
    """Adds Deprecation (RFC 9745) and Sunset (RFC 8594), also to refusals and streams, which no dependency could."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Any = scope["headers"] if scope["type"] == "http" else ()
        told = _TOLD.get(next((value.strip() for name, value in headers if name == _HEADER), b""))
        if told is None:
            await self.app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        await self.app(scope, receive, tell)
