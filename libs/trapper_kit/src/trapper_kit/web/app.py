"""The app factory: request ids, metrics, problems as application/problem+json, health, and both slashes."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import Counter, Histogram
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trapper_kit import metrics
from trapper_kit.addresses import is_in, networks
from trapper_kit.db import REFUSED_BY_DATABASE, DatabaseUnavailable, is_away, refused_text
from trapper_kit.logs import bound, log
from trapper_kit.problems import (
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PreconditionRequired,
    Problem,
    TooLarge,
    Unavailable,
    Unexpected,
)
from trapper_kit.settings import METRICS_NETWORKS, ServiceSettings
from trapper_kit.web.bodies import LimitedBodies, RefusedBody
from trapper_kit.web.describe import describe_better, problems
from trapper_kit.web.guards import api_routes, public
from trapper_kit.web.headers import SecurityHeaders
from trapper_kit.web.query import refuse_unknown_query
from trapper_kit.web.reference import reference_router
from trapper_kit.web.versions import IF_MATCH
from trapper_schemas.ids import uuid7
from trapper_schemas.problem import MEDIA_TYPE, FieldError, field_message

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Check = Callable[[Request], Any]
Measure = Callable[[Request], Awaitable[Sequence[metrics.Family]]]
MAX_ERRORS = 20
"""Of one reply; who sends more mistakes corrects these first."""
MAX_LOC_CHARACTERS = 100
MAX_DETAIL_CHARACTERS = 2_000
_REQUEST_ID = re.compile(r"^[A-Za-z0-9-]{1,64}$")


def build_app(
    *,
    service: str,
    title: str,
    version: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
    ready: Check,
    measure: Measure | None = None,
    streamed: Sequence[type[BaseModel]] = (),
) -> FastAPI:
    """Returns the app of a service; `ready` raises while it cannot serve, `measure` adds to /metrics."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
        separate_input_output_schemas=False,  # a generated client has one class for what it reads and sends back
        docs_url=None,  # its page would load scripts from elsewhere; see `reference`
        redoc_url=None,
    )
    for router in routers:
        app.include_router(router, dependencies=[Depends(refuse_unknown_query)])
    app.include_router(_health(ready, measure))
    app.include_router(reference_router(title))
    _add_problem_handlers(app)
    describe_better(app, streamed)
    app.add_middleware(LimitedBodies)
    app.add_middleware(BothSlashes, bare=_bare_endings(routers))
    app.add_middleware(RequestContextMiddleware, service=service)
    app.add_middleware(SecurityHeaders)  # outermost: also on the reply about what nobody foresaw
    return app


def _operation(route: APIRoute) -> str:
    """Returns the name of a route in contracts and metrics."""
    return f"{route.tags[0] if route.tags else 'service'}_{route.name}"


def _bare_endings(routers: Sequence[APIRouter]) -> frozenset[str]:
    paths = [route.path for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return frozenset(path.rsplit("/", 1)[1] for path in paths if not path.endswith("/"))


def _health(ready: Check, measure: Measure | None) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    @public
    async def healthz() -> dict[str, str]:
        """Check that the process lives; touches nothing."""
        return {"status": "ok"}

    @router.get("/readyz", responses=problems(Unavailable))
    @public
    async def readyz(request: Request) -> dict[str, Any]:
        """Check that requests can be served: the database answers."""
        try:
            details = await ready(request)
        except DatabaseUnavailable as problem:
            raise Unavailable("the database does not answer", retry_after=1) from problem
        return {"status": "ready", **(details or {})}

    @router.get("/metrics", response_class=PlainTextResponse, responses=problems(NotFound))
    @public
    async def read_metrics(request: Request) -> Response:
        """Read the metrics in Prometheus' text format; other networks than those of the setting get 404."""
        settings: ServiceSettings | None = getattr(getattr(request.app.state, "work", None), "settings", None)
        allowed = settings.metrics_networks if settings is not None else METRICS_NETWORKS
        if request.client is not None and not is_in(request.client.host, networks(allowed)):
            raise NotFound("no such path")
        measured: Sequence[metrics.Family] = ()
        if measure is not None:
            try:
                measured = await measure(request)
            except DatabaseUnavailable as problem:
                log("metrics.unmeasured", problem=str(problem))
        body, media_type = metrics.page(measured)
        return Response(body, media_type=media_type)

    return router


class BothSlashes:
    """Answers /api paths with and without the trailing slash alike, without a redirect (which would lose bodies)."""

    def __init__(self, app: ASGIApp, *, bare: frozenset[str]) -> None:
        self.app = app
        self.bare = bare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            path: str = scope["path"].rstrip("/")
            ending = path.rsplit("/", 1)[1]
            # In this very scope: whoever stands further out reads there which route it was.
            scope["path"] = path if ending in self.bare else f"{path}/"
        await self.app(scope, receive, send)


class RequestContextMiddleware:
    """Binds a request id to the log, counts requests, and answers unexpected errors."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self.app = app
        self.service = service
        self._metrics: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _REQUEST_ID.match(given) else str(uuid7())
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None
        began = time.perf_counter()

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with bound(request_id=request_id):
                try:
                    await self.app(scope, receive, tell)
                except Exception as error:
                    if status is not None:
                        raise  # in the middle of an answer: there is no other way to say that it is not whole
                    await _failed(Request(scope), error)(scope, receive, tell)
        finally:
            operation = _operation(scope["route"]) if "route" in scope else "none"
            requests, seconds = self._counters(operation, status or 500)
            requests.inc()
            seconds.observe(time.perf_counter() - began)

    def _counters(self, operation: str, status: int) -> tuple[Counter, Histogram]:
        """Returns cached counters, because a lookup by labels is slow."""
        try:
            return self._metrics[operation, status]
        except KeyError:
            requests = metrics.REQUESTS.labels(self.service, operation, str(status))
            counters = requests, metrics.REQUEST_SECONDS.labels(self.service, operation)
            return self._metrics.setdefault((operation, status), counters)


def _answer(request: Request, problem: Problem) -> Response:
    instance = getattr(request.state, "request_id", None)
    headers = {"Retry-After": f"{problem.retry_after:g}"} if problem.retry_after is not None else {}
    if problem.status == 401:  # noqa: PLR2004 - the status whose answer must say how to authenticate
        headers["WWW-Authenticate"] = "Bearer"
    document = problem.body(instance)
    limited = {
        "errors": document.errors[:MAX_ERRORS] if document.errors else None,
        "detail": document.detail[:MAX_DETAIL_CHARACTERS] if document.detail else None,
    }
    body = document.model_copy(update=limited).model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def _field_error(entry: dict[str, Any]) -> FieldError:
    """Returns pydantic's error with parts of the location shortened: callers choose keys."""
    loc = [part if isinstance(part, int) else str(part)[:MAX_LOC_CHARACTERS] for part in entry["loc"]]
    return FieldError(loc=loc, code=str(entry["type"]), message=field_message(entry)[:MAX_DETAIL_CHARACTERS])


_FRAMEWORK_SAYS: dict[int, tuple[type[Problem], str]] = {
    400: (Malformed, "the body cannot be read: JSON in UTF-8 is expected"),
    404: (NotFound, "no such path"),
    405: (MethodNotAllowed, "the header Allow says how"),
    413: (TooLarge, "the body is larger than what is taken"),
}


def _add_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> Response:
        log("request.refused", problem=problem.type, path=request.url.path, detail=problem.detail)
        return _answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [_field_error(entry) for entry in error.errors()[:MAX_ERRORS]]
        if any(entry.code == "missing" and entry.loc == ["header", IF_MATCH] for entry in errors):
            return _answer(request, PreconditionRequired())
        malformed = any(entry.code == "json_invalid" for entry in errors)
        kind = Malformed if malformed else Invalid
        fields = ", ".join(".".join(str(part) for part in entry.loc[1:]) or str(entry.loc[0]) for entry in errors)
        return _answer(request, kind(f"not valid: {fields}", errors=errors))

    async def refused_by_database(request: Request, error: Exception) -> Response:
        if not refused_text(error):
            raise error
        return _answer(
            request,
            Invalid("a text has a NUL character or half of a surrogate pair, which cannot be stored; remove it"),
        )

    for kind in REFUSED_BY_DATABASE:
        app.add_exception_handler(kind, refused_by_database)

    @app.exception_handler(HTTPException)
    async def refused_by_framework(request: Request, error: HTTPException) -> Response:
        if isinstance(error, RefusedBody):
            refusal = error.refusal
            return await (refused(request, refusal) if isinstance(refusal, Problem) else invalid(request, refusal))
        kind, detail = _FRAMEWORK_SAYS.get(error.status_code, (Malformed, str(error.detail)))
        answer = _answer(request, kind(detail))
        answer.headers.update(error.headers or {})
        if kind is MethodNotAllowed:
            answer.headers["Allow"] = ", ".join(_methods(app, request.scope["path"]))
        return answer


def _methods(app: FastAPI, path: str) -> list[str]:
    """Returns the methods of all routes with this path; the router names only those of the first."""
    fitting = (route.methods or () for route in api_routes(app.routes) if route.path_regex.match(path))
    return sorted({method for methods in fitting for method in methods})


def _failed(request: Request, error: Exception) -> Response:
    """Answers an unexpected error without details, and says when to try again if that may help."""
    if is_away(error):
        return _answer(request, Unavailable("the database does not answer", retry_after=1))
    log("request.failed", path=request.url.path, error=error)
    return _answer(request, Unexpected())


async def read_body(request: Request, *, at_most: int) -> AsyncIterator[bytes]:
    """Yields the body; raises TooLarge above `at_most` bytes."""
    so_far = 0
    async for chunk in request.stream():
        so_far += len(chunk)
        if so_far > at_most:
            raise TooLarge(f"the body is longer than {at_most} bytes")
        if chunk:
            yield chunk
