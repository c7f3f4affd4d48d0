"""Bodies of documents: the guard runs first, then size, depth and number of keys are limited, then FastAPI parses."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trapper_kit.problems import Malformed, Problem, TooLarge
from trapper_kit.web.guards import guard_dependencies, is_public

F = TypeVar("F", bound=Callable[..., Any])
KIB = 1024
MIB = 1024 * KIB
PUBLIC_BYTES = 64 * KIB
GUARDED_BYTES = MIB
MAX_DEPTH = 32
MAX_KEYS = 1_000
"""Of one object."""
MAX_VALUES = 500_000
"""Of one document: its commas and colons."""
_LIMIT = "__trapper_body_limit__"
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]', re.DOTALL)


class RefusedBody(HTTPException):
    """Carries a refusal through FastAPI's reading of a body, which lets only HTTPException pass."""

    def __init__(self, refusal: Problem | RequestValidationError) -> None:
        super().__init__(400)
        self.refusal = refusal


def body_limit(size_bytes: int) -> Callable[[F], F]:
    """Set how many bytes the document of a route may have; without it 64 KiB on public routes, 1 MiB on others."""

    def mark(function: F) -> F:
        setattr(function, _LIMIT, size_bytes)
        return function

    return mark


def limit_of(route: APIRoute) -> int:
    """The largest document that a route takes, in bytes."""
    return getattr(route.endpoint, _LIMIT, PUBLIC_BYTES if is_public(route) else GUARDED_BYTES)


def check_json(document: bytes) -> None:
    """Raise Malformed for a JSON document that is nested too deep or has too many keys; its syntax is not checked."""
    keys: list[int] = []
    values = 0
    for match in _TOKENS.finditer(document):
        token = document[match.start()]
        if token in b"{[":
            keys.append(0)
            if len(keys) > MAX_DEPTH:
                raise Malformed(f"the JSON document is nested deeper than {MAX_DEPTH} levels")
        elif token in b"}]":
            if keys:
                keys.pop()
        elif token in b":,":
            values += 1
            if values > MAX_VALUES:
                raise Malformed(f"the JSON document has more than {MAX_VALUES} values")
            if token in b":" and keys:
                keys[-1] += 1
                if keys[-1] > MAX_KEYS:
                    raise Malformed(f"an object of the JSON document has more than {MAX_KEYS} keys")


class LimitedBodies:
    """ASGI middleware next to the router; a route that streams its body sets a limit of its own (see `read_body`)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        checked = False

        async def limited() -> Message:
            nonlocal checked
            route = scope.get("route")
            if checked or not isinstance(route, APIRoute) or route.body_field is None:
                return await receive()
            checked = True
            try:
                await _run_guards(scope, route)
                return await _read_document(scope, receive, limit_of(route))
            except (Problem, RequestValidationError) as refusal:
                raise RefusedBody(refusal) from refusal

        await self.app(scope, limited, send)


async def _run_guards(scope: Scope, route: APIRoute) -> None:
    """Authenticate the caller; guards keep what they looked up in the request's state for the second time."""
    guards = guard_dependencies(route)
    if not guards:
        return
    solved = await solve_dependencies(
        request=Request(scope),
        dependant=Dependant(dependencies=guards, path=route.path),
        async_exit_stack=scope["fastapi_inner_astack"],
        embed_body_fields=False,
    )
    if solved.errors:
        raise RequestValidationError(solved.errors)


async def _read_document(scope: Scope, receive: Receive, at_most: int) -> Message:
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced[:20]) > at_most:
        raise TooLarge(f"the body is longer than {at_most} bytes")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > at_most:
            raise TooLarge(f"the body is longer than {at_most} bytes")
        more = message.get("more_body", False)
    document = bytes(body)
    if b"json" in headers.get(b"content-type", b"").lower():
        check_json(document)
    return {"type": "http.request", "body": document, "more_body": False}
