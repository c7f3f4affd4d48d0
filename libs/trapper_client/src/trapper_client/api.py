"""HTTP to one service: bearer token, problem bodies as exceptions, pages, and retries while a process restarts."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pydantic import ValidationError

from trapper_client.connection import failure_reason, is_loopback, open_client
from trapper_client.errors import ApiProblem, Unreachable, WrongUsage
from trapper_schemas.problem import ProblemBody

PAGE = 200
_RETRIED = {429, 502, 503, 504}
_UNAUTHENTICATED = 401
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 3.0
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

Content = bytes | Callable[[], bytes | Iterable[bytes]]
"""A body, or a function that makes it anew for each attempt."""


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
        self._http = open_client(self.base_url, timeout=_TIMEOUT, transport=transport)
        try:
            self._http.base_url = httpx.URL(self.base_url)
        except httpx.InvalidURL as problem:
            raise WrongUsage(f"{self.base_url!r} is not an address: {problem}.") from problem

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
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
                        response.read()
                        self._read("GET", path, response, None)
                    with target.open("wb") as file:
                        for chunk in response.iter_bytes():
                            file.write(chunk)
                return
            except httpx.RequestError as problem:
                if time.monotonic() + _FIRST_PAUSE_SECONDS > until:
                    raise _unreachable(self.base_url, problem) from problem
                time.sleep(_FIRST_PAUSE_SECONDS)

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Return every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **{"limit": PAGE, **params, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

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
            response, error = self._try(method, path, params=params, json=json, content=content, headers=headers)
            if response is not None and response.status_code == _UNAUTHENTICATED and self._renew and not renewed:
                renewed = True
                self.token = self._renew()
                continue
            wait = max(pause, _retry_after(response))
            passing = response is None or response.status_code in _RETRIED
            if not passing or time.monotonic() + wait > until:
                return self._read(method, path, response, error)
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
    ) -> tuple[httpx.Response | None, httpx.RequestError | None]:
        sent = self._authorised(headers or {})
        body = content() if callable(content) else content
        try:
            return self._http.request(method, path, params=params, json=json, content=body, headers=sent), None
        except httpx.RequestError as problem:
            return None, problem
        except (httpx.InvalidURL, UnicodeError) as problem:
            raise WrongUsage(f"{self.base_url!r} is not an address that can be called: {problem}.") from problem

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        return dict(headers) if self.token is None else {**headers, "Authorization": f"Bearer {self.token}"}

    def _read(self, method: str, path: str, response: httpx.Response | None, error: httpx.RequestError | None) -> Any:
        if response is None:
            raise _unreachable(self.base_url, error)
        if response.is_success:
            return response.json() if response.content else None
        try:
            body = ProblemBody.model_validate_json(response.content)
        except ValidationError:
            raise Unreachable(
                f"{method} {self.base_url}{path}: {response.status_code}, and not from a service of Trapper."
            ) from None
        raise ApiProblem(body)


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


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is None, and write booleans as JSON does."""
    given = {name: value for name, value in params.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _retry_after(response: httpx.Response | None) -> float:
    try:
        return 0.0 if response is None else min(float(response.headers.get("Retry-After", 0.0)), 30.0)
    except ValueError:
        return 0.0
