"""HTTP to one service: bearer token, problem bodies as exceptions, pages, and retries while a process restarts."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from trapper_client.connection import failure_reason, is_loopback, open_client
from trapper_client.errors import ApiProblem, Unreachable, WrongUsage
from trapper_client.receive import ACCEPTED, parse_document, read_body, read_chunks, retry_after
from trapper_schemas.paging import Page
from trapper_schemas.problem import ProblemBody

T = TypeVar("T", bound=BaseModel)
PAGE = 200
MAX_PAGES = 10_000
MAX_FILE_BYTES = 32 << 30
MAX_FILE_SECONDS = 86_400.0
_RETRIED = {429, 502, 503, 504}
_UNAUTHENTICATED = 401
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 3.0
_TIMEOUT_SECONDS = 60.0
_CONNECT_SECONDS = 10.0

Content = bytes | Callable[[], bytes | Iterable[bytes]]
"""A body, or a function that makes it anew for each attempt."""


@dataclass(frozen=True)
class _Received:
    """A reply with its whole body."""

    response: httpx.Response
    content: bytes

    @property
    def status(self) -> int:
        return self.response.status_code


class Api:
    """A client of one service; calls are retried while nothing answers, for `patience` seconds, so must be idempotent.

    `renew` returns a new token when the present one is refused; it is called once per call.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        patience: float = 0.0,
        renew: Callable[[], str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.patience = patience
        self._renew = renew
        self._http = open_client(self.base_url, timeout=_timeout(), transport=transport)
        self._http.headers.update(ACCEPTED)
        try:
            self._http.base_url = httpx.URL(self.base_url)
        except httpx.InvalidURL as problem:
            raise WrongUsage(f"{self.base_url!r} is not an address: {problem}.") from problem

    def close(self) -> None:
        self._http.close()

    def read(self, kind: type[T], path: str, **params: object) -> T:
        """GET one document; raises Unreachable where it has another form than the contract's."""
        return self.parse(kind, path, self.get(path, **params))

    def send(
        self,
        kind: type[T],
        method: Literal["POST", "PATCH"],
        path: str,
        body: BaseModel | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """POST or PATCH the fields of a body that are set, and return the reply."""
        document = None if body is None else body.model_dump(mode="json", exclude_unset=True)
        make = self.post if method == "POST" else self.patch
        return self.parse(kind, path, make(path, document, headers=headers))

    def items(self, kind: type[T], path: str, /, **filters: object) -> Iterator[T]:
        """Return every item of a list, page by page."""
        return (self.parse(kind, path, item) for item in self.pages(path, **filters))

    def parse(self, kind: type[T], path: str, document: object) -> T:
        """A reply as the type of the contract; raises Unreachable naming the first field that differs."""
        try:
            return kind.model_validate(document)
        except ValidationError as problem:
            raise unexpected(f"{self.base_url}{path}", problem) from None

    def get(self, path: str, **params: object) -> Any:
        return self.call("GET", path, params=_params(params))

    def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """POST with a new Idempotency-Key, so that a retry makes nothing twice."""
        return self.call("POST", path, json=body, headers={"Idempotency-Key": str(uuid4()), **(headers or {})})

    def patch(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        return self.call("PATCH", path, json=body, headers=headers)

    def put(self, path: str, content: Content, *, headers: Mapping[str, str] | None = None) -> Any:
        return self.call("PUT", path, content=content, headers=headers)

    def save(self, path: str, target: Path) -> None:
        """Write the bytes at a path to a file; a broken transfer begins again until the patience is over."""
        until = time.monotonic() + self.patience
        while True:
            try:
                with self._http.stream("GET", path, headers=self._authorised({})) as response:
                    if not response.is_success:
                        self._read("GET", path, _Received(response, read_body(response)), None)
                    with target.open("wb") as file:
                        for chunk in read_chunks(response, at_most=MAX_FILE_BYTES, within=MAX_FILE_SECONDS):
                            file.write(chunk)
                return
            except httpx.RequestError as problem:
                if time.monotonic() + _FIRST_PAUSE_SECONDS > until:
                    raise _unreachable(self.base_url, problem) from problem
                time.sleep(_FIRST_PAUSE_SECONDS)

    def pages(self, path: str, **params: object) -> Iterator[dict[str, Any]]:
        """Return every item of a list, page by page; raises Unreachable for what is no list, or has no end."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            reply = self.get(path, **{"limit": PAGE, **params, "cursor": cursor})
            try:
                page = Page[dict[str, Any]].model_validate(reply)
            except ValidationError as problem:
                raise unexpected(f"{self.base_url}{path}", problem) from None
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen or not page.items or len(seen) >= MAX_PAGES:
                raise Unreachable(f"GET {self.base_url}{path}: the list has no end; not all of it was read.")
            seen.add(cursor)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Make one call, retried until the patience is over; return the response's JSON, or None without a body."""
        until = time.monotonic() + self.patience
        pause = _FIRST_PAUSE_SECONDS
        renewed = False
        while True:
            received, error = self._try(method, path, params=params, json=json, content=content, headers=headers)
            if received is not None and received.status == _UNAUTHENTICATED and self._renew and not renewed:
                renewed = True
                self.token = self._renew()
                continue
            wait = max(pause, retry_after(received and received.response))
            passing = received is None or received.status in _RETRIED
            if not passing or time.monotonic() + wait > until:
                return self._read(method, path, received, error)
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _try(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        json: Any,
        content: Content | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[_Received | None, httpx.RequestError | None]:
        sent = self._authorised(headers or {})
        body = content() if callable(content) else content
        try:
            with self._http.stream(method, path, params=params, json=json, content=body, headers=sent) as response:
                return _Received(response, read_body(response)), None
        except httpx.RequestError as problem:
            return None, problem
        except (httpx.InvalidURL, UnicodeError) as problem:
            raise WrongUsage(f"{self.base_url!r} is not an address that can be called: {problem}.") from problem

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        return dict(headers) if self.token is None else {**headers, "Authorization": f"Bearer {self.token}"}

    def _read(self, method: str, path: str, received: _Received | None, error: httpx.RequestError | None) -> Any:
        if received is None:
            raise _unreachable(self.base_url, error)
        call = f"{method} {self.base_url}{path}"
        if received.response.is_success:
            return parse_document(received.content, call)
        try:
            body = ProblemBody.model_validate_json(received.content)
        except ValidationError:
            raise Unreachable(f"{call}: {received.status}; the reply is not from a Trapper service.") from None
        raise ApiProblem(body)


def unexpected(call: str, problem: ValidationError) -> Unreachable:
    """The failure for a reply of another form than the contract's; it names the first field that differs."""
    first = problem.errors(include_input=False, include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the reply"
    return Unreachable(
        f"{call}: the reply is not as expected ({field}: {first['msg']}).",
        hint="Is the address right, and do both sides have the same version?",
    )


def _timeout() -> httpx.Timeout:
    """How long to wait for a reply to begin, or to go on: TRAPPER_TIMEOUT in seconds; raises WrongUsage naming it."""
    given = os.environ.get("TRAPPER_TIMEOUT", "")
    try:
        seconds = float(given or _TIMEOUT_SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_FILE_SECONDS:
        raise WrongUsage(f"TRAPPER_TIMEOUT is {given!r}.", hint="Give a number of seconds above 0, for example 60.")
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


def _unreachable(base_url: str, problem: httpx.RequestError | None) -> Unreachable:
    reason = "nothing answers" if problem is None else failure_reason(problem, base_url)
    here = is_loopback(base_url)
    if not isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError | None):
        return Unreachable(f"The call to {base_url} failed: {reason}.", hint="See: trapper status" if here else "")
    if here and "certificate" not in reason:
        return Unreachable(f"The stack is not running: nothing answers at {base_url}.", hint="Start it: trapper up")
    return Unreachable(
        f"Nothing answers at {base_url}: {reason}.", hint="Is the address right, and can it be reached from here?"
    )


def _params(params: Mapping[str, object]) -> dict[str, Any]:
    """Drop what is None, and write booleans as JSON does."""
    given = {name: value for name, value in params.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
