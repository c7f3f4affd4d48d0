"""Refuses a body that is longer than any document, before it stands in memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DOCUMENT_BYTES = 32 * 1024 * 1024
"""More than any request has that is one document; what may be larger is read as a stream, with a limit of its own."""


class Bounded:
    """Counts what comes in, for routes whose body is read whole; it stands next to the router, who says which it is."""

    def __init__(self, app: ASGIApp, *, at_most: int = DOCUMENT_BYTES) -> None:
        self.app = app
        self.at_most = at_most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        so_far = 0

        async def counted() -> Message:
            nonlocal so_far
            message = await receive()
            so_far += len(message.get("body", b""))
            if so_far > self.at_most and getattr(scope.get("route"), "body_field", None) is not None:
                raise HTTPException(413, f"the body is longer than {self.at_most} bytes")
            return message

        await self.app(scope, counted, send)
