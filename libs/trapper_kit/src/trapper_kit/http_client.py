"""The one way out: addresses are resolved once, checked and then connected to; size, time and redirects are limited."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from trapper_kit.addresses import AddressRefused, Network
from trapper_kit.http_replies import (
    BadReply,
    Model,
    Unreachable,
    parse_reply,
    raise_for_problem,
    read_whole,
)
from trapper_kit.http_transport import RoutedTransport, failure_in_words
from trapper_schemas.paging import Page

RETRIES = 2
RETRY_PAUSE_SECONDS = 0.2
TOTAL_SECONDS = 120.0
"""For a whole reply, however slowly its bytes come."""
MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_PROBLEM_BYTES = 1024 * 1024
MAX_PAGES = 1_000


@dataclass
class HttpClient:
    """A neighbour: its address, its credential, time limits, and problems that come back as exceptions."""

    base_url: str
    token: str | None = None
    allowed: Sequence[Network] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 30.0
    transport: httpx.AsyncBaseTransport | None = None
    max_bytes: int = MAX_REPLY_BYTES

    def __post_init__(self) -> None:
        """Raises AddressRefused for a base URL that no client can call."""
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with self._translated(""):
            self._client = httpx.AsyncClient(
                base_url=self.base_url,
                headers={"Accept-Encoding": "gzip, zstd", **self.headers, **authorization},
                timeout=httpx.Timeout(self.timeout_seconds, connect=min(5.0, self.timeout_seconds)),
                transport=self.transport or RoutedTransport(self.allowed),
                follow_redirects=False,
                trust_env=False,
            )

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx.Response:
        """One call; idempotent ones are tried again when nothing came back, and a refusal raises its Problem."""
        again = method in {"GET", "HEAD", "PUT"} if idempotent is None else idempotent
        extra: dict[str, Any] = {} if timeout_seconds is None else {"timeout": timeout_seconds}
        total = max(TOTAL_SECONDS, 2 * (timeout_seconds or 0))
        for attempt in range(RETRIES + 1 if again else 1):
            try:
                with self._translated(path):
                    built = self._client.build_request(
                        method, path, json=json, content=content, params=params, headers=headers, **extra
                    )
                    async with asyncio.timeout(total):
                        response = await read_whole(await self._client.send(built, stream=True), self.max_bytes)
                break
            except Unreachable:
                if not again or attempt == RETRIES:
                    raise
                await asyncio.sleep(RETRY_PAUSE_SECONDS * (attempt + 1))
        else:
            raise AssertionError("the loop above returns or raises")
        raise_for_problem(response)
        return response

    async def read(
        self,
        kind: type[Model],
        method: str,
        path: str,
        **options: Any,
    ) -> Model:
        """`request`, with the reply read as a model; raises BadReply when it is none."""
        return parse_reply(kind, await self.request(method, path, **options))

    async def read_pages(self, kind: type[Model], path: str, *, limit: int | None = None) -> list[Model]:
        """Every item of a list; raises BadReply for one that goes on without end or repeats a cursor."""
        items: list[Model] = []
        cursors: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            params: dict[str, int | str] = {}
            if limit is not None:
                params["limit"] = limit
            if cursor is not None:
                params["cursor"] = cursor
            page = await self.read(Page[kind], "GET", path, params=params)  # type: ignore[valid-type]  # made at run time
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                return items
            if cursor in cursors or not page.items:
                break
            cursors.add(cursor)
        raise BadReply(f"the list at {path} has no end: its cursor repeats, or there are more than {MAX_PAGES} pages")

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        unchecked: bool = False,
    ) -> AsyncGenerator[httpx.Response, None]:
        """A body that is read as it comes; the caller limits its size (see `read_limited`). It is not compressed.

        With `unchecked` a redirect and a compressed body are handed over too, for a caller that looks at the status and
        checks the bytes by their hash.
        """
        plain = {"Accept-Encoding": "identity", **(headers or {})}
        with self._translated(path):
            async with self._client.stream("GET", path, headers=plain, params=params) as response:
                if not response.is_success and not (unchecked and response.is_redirect):
                    raise_for_problem(await read_whole(response, MAX_PROBLEM_BYTES))
                if not unchecked and response.headers.get("Content-Encoding", "identity") != "identity":
                    raise BadReply(f"{path[:200]} came compressed, which was not requested")
                yield response

    @contextmanager
    def _translated(self, path: str) -> Generator[None, None, None]:
        """Every exception of the HTTP client as a Problem that says what failed."""
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as problem:
            raise AddressRefused(f"{(self.base_url + path)[:200]!r} is not an address that can be called") from problem
        except TimeoutError as problem:
            raise Unreachable(f"{self.base_url} took too long") from problem
        except (httpx.HTTPError, httpx.StreamError, httpcore.ProtocolError, httpcore.NetworkError, OSError) as problem:
            raise Unreachable(f"{self.base_url} did not answer: {failure_in_words(problem)}") from problem
        except ValueError as problem:  # h11 and httpx, for headers that are none
            raise BadReply(f"{self.base_url} did not answer in HTTP. Check the address and the port") from problem

    def use_token(self, token: str) -> None:
        """From the next request on, this is our credential."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()
