"""The one way out: addresses are resolved once, checked and then connected to; size, time and redirects are limited."""

import asyncio
import ipaddress
import math
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import (  # noqa: TID251 - it reads the environment, and calls nobody
    getproxies_environment,
    proxy_bypass_environment,  # pyright: ignore[reportAttributeAccessIssue] - typeshed lacks it
)

import httpcore
import httpx
from pydantic import BaseModel
from zstandard import ZstdDecompressor, ZstdError

from trapper_kit.problems import Problem, TooLarge, Unavailable, from_body
from trapper_schemas.paging import Page
from trapper_schemas.problem import MEDIA_TYPE, ProblemBody

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
RETRIES = 2
RETRY_PAUSE_SECONDS = 0.2
TOTAL_SECONDS = 120.0
"""For a whole reply, however slowly its bytes come."""
STREAM_SECONDS = 600.0
MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_PROBLEM_BYTES = 1024 * 1024
MAX_PAGES = 1_000
MAX_RETRY_AFTER_SECONDS = 3_600.0
_CHUNK = 1 << 16
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
Model = TypeVar("Model", bound=BaseModel)


class AddressRefused(Problem):
    type = "address-refused"
    title = "This address may not be called from here"
    status = 422


class BadReply(Problem):
    type = "bad-reply"
    title = "The other side's reply is not what the protocol says"
    status = 502


class Unreachable(Problem):
    type = "unreachable"
    title = "The other side did not answer"
    status = 503


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(cidr) for cidr in ("192.0.0.0/24", "168.63.129.16/32", "64:ff9b:1::/48", "::/96")
)
"""What Python calls public and is not: metadata services of clouds, translation within a site, IPv4 in disguise."""


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def networks(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a setting; raises ValueError for what is not CIDR."""
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


def is_in(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; False for what is no address."""
    try:
        plain = _meant(ipaddress.ip_address(address.split("%", 1)[0]))
    except ValueError:
        return False
    return any(plain in network for network in allowed)


def origin_of(url: str) -> str:
    """Scheme, host and port, with the port always said."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def check_address(address: Address, allowed: Sequence[Network]) -> None:
    """Raise AddressRefused for private, link-local, loopback and metadata addresses that no setting lists."""
    plain = _meant(address)
    if any(plain in network for network in allowed):
        return
    if not plain.is_global or plain.is_multicast or any(plain in network for network in _NOT_PUBLIC):
        raise AddressRefused(
            f"{plain} is not a public address, and the setting …_ALLOWED_ADDRESSES does not list its network"
        )


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks every answer, and connects to the very address that it checked."""

    def __init__(self, allowed: Sequence[Network], *, trusted_host: str = "") -> None:
        self._allowed = allowed
        self._trusted_host = trusted_host
        """A proxy that a setting names; its address may be private."""
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as problem:
            raise AddressRefused(f"{host[:60]!r} is not a host name") from problem
        except OSError as problem:
            raise httpcore.ConnectError(f"{host} has no address") from problem
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses if host != self._trusted_host else ():
            check_address(ipaddress.ip_address(address.split("%", 1)[0]), self._allowed)
        return await self._inner.connect_tcp(
            addresses[0], port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("unix sockets are not called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the machine's certificates takes longer than starting a service."""
    return ssl.create_default_context()


def guarded_transport(allowed: Sequence[Network], proxy: str | None = None) -> httpx.AsyncHTTPTransport:
    """The transport of httpx on a guarded pool: httpx has no public way to pass a network backend."""
    transport = httpx.AsyncHTTPTransport(verify=_tls())
    options: dict[str, Any] = {
        "ssl_context": _tls(),
        "max_connections": 64,
        "max_keepalive_connections": 16,
        "keepalive_expiry": 30.0,
    }
    if proxy is None:
        pool = httpcore.AsyncConnectionPool(network_backend=GuardedBackend(allowed), **options)
    else:
        url = httpx.URL(proxy)
        pool = httpcore.AsyncHTTPProxy(
            proxy_url=str(url.copy_with(username=None, password=None)),
            proxy_auth=(url.username, url.password) if url.username else None,
            proxy_ssl_context=_tls() if url.scheme == "https" else None,
            network_backend=GuardedBackend(allowed, trusted_host=url.host),
            **options,
        )
    transport._pool = pool  # noqa: SLF001 - see the docstring
    return transport


class RoutedTransport(httpx.AsyncBaseTransport):
    """Calls directly, or through the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY excludes the host.

    Addresses of this machine are always called directly. A proxy looks up names itself; what is called through it is
    guarded as far as this machine can tell: a name that leads to an address that is not public is refused here, too.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._transports: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = proxy_for(request.url)
        if proxy is not None:
            await self._check(request.url.host)
        transport = self._transports.get(proxy)
        if transport is None:
            transport = self._transports[proxy] = guarded_transport(self._allowed, proxy)
        return await transport.handle_async_request(request)

    async def _check(self, host: str) -> None:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # the proxy may know the name
        for entry in found:
            check_address(ipaddress.ip_address(str(entry[4][0]).split("%", 1)[0]), self._allowed)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()


class ProxyRefused(Problem):
    type = "proxy-refused"
    title = "The proxy of this machine cannot be used"
    status = 503


def proxy_for(url: httpx.URL) -> str | None:
    """The proxy for an address, as the environment says, or None; ProxyRefused for one that is no HTTP proxy."""
    if url.host == "localhost" or _is_loopback(url.host):
        return None
    proxies = getproxies_environment()
    if proxy_bypass_environment(url.host, proxies):
        return None
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        known = (
            urlsplit(proxy).port != 0 and httpx.URL(proxy).scheme in {"http", "https"} and bool(httpx.URL(proxy).host)
        )
    except (ValueError, httpx.InvalidURL):
        known = False
    if not known:
        raise ProxyRefused(f"{url.scheme.upper()}_PROXY must be an address such as http://proxy.example.org:3128")
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(problem: Exception) -> str:
    """What failed, in words: the certificate, the proxy, the time limit or the connection."""
    request: httpx.Request | None = getattr(problem, "_request", None)
    proxy = None if request is None else proxy_for(request.url)
    through = "" if proxy is None else f" through the proxy {_without_password(proxy)}"
    causes = list(_causes(problem))
    certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return (
            f"its certificate is not trusted{through}: {certificate.verify_message}; SSL_CERT_FILE or SSL_CERT_DIR "
            "names the certificates of your authority"
        )
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None:
        return f"TLS failed{through}: {tls.reason or tls}"
    if isinstance(problem, httpx.ProxyError):
        return f"the proxy {_without_password(proxy or '')} refused: {problem}"
    if isinstance(problem, httpx.TimeoutException):
        what = "connection" if isinstance(problem, httpx.ConnectTimeout) else "answer"
        return f"no {what} within the time limit{through}"
    if proxy is not None and isinstance(problem, httpx.ConnectError):
        return f"the proxy {_without_password(proxy)} cannot be reached: {problem}"
    return f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def _without_password(proxy: str) -> str:
    url = httpx.URL(proxy)
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


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
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
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
                        response = await _read_whole(await self._client.send(built, stream=True), self.max_bytes)
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
                    raise_for_problem(await _read_whole(response, MAX_PROBLEM_BYTES))
                if not unchecked and response.headers.get("Content-Encoding", "identity") != "identity":
                    raise BadReply(f"{path[:200]} came compressed, which was not asked for")
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
            raise Unreachable(f"{self.base_url} did not answer: {_reason(problem)}") from problem
        except ValueError as problem:  # h11 and httpx, for headers that are none
            raise BadReply(f"{self.base_url} was answered with what is no HTTP") from problem

    def use_token(self, token: str) -> None:
        """From the next request on, this is our credential."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


async def _read_whole(response: httpx.Response, at_most: int) -> httpx.Response:
    """The response with its decoded body; raises TooLarge, before more than the limit stands in memory."""
    try:
        raw = bytearray()
        async for chunk in response.aiter_raw(_CHUNK):
            raw += chunk
            if len(raw) > at_most:
                raise TooLarge(f"the reply is longer than {at_most} bytes")
    finally:
        await response.aclose()
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
    body = _decode(bytes(raw), encoding, at_most)
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)


def _decode(raw: bytes, encoding: str, at_most: int) -> bytes:
    try:
        if encoding in {"", "identity"} or not raw:
            return raw
        if encoding == "gzip":
            body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(raw, at_most + 1)
        elif encoding == "zstd":
            body = ZstdDecompressor().stream_reader(raw, read_across_frames=True).read(at_most + 1)
        else:
            raise BadReply(f"the reply is encoded as {encoding[:40]!r}, which was not asked for")
    except (zlib.error, ZstdError) as problem:
        raise BadReply("the reply cannot be decompressed") from problem
    if len(body) > at_most:
        raise TooLarge(f"the reply is longer than {at_most} bytes once it is decompressed")
    return body


def parse_reply(kind: type[Model], response: httpx.Response) -> Model:
    """The reply as a model; raises BadReply for HTML, other documents, and JSON nested too deep."""
    try:
        return kind.model_validate_json(response.content)
    except (ValueError, RecursionError) as problem:
        path = response.request.url.path[:200]
        raise BadReply(f"the reply to {path} is no {kind.__name__.partition('[')[0]}") from problem


def raise_for_problem(response: httpx.Response) -> None:
    """Turn a problem body into the exception of the same type; any other refusal becomes Unavailable or BadReply."""
    if response.is_success:
        return
    status = response.status_code
    if not response.is_error:
        raise BadReply(f"the other side answered {status}, a redirect or less; redirects are not followed")
    seconds = _retry_after(response)
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        try:
            body = ProblemBody.model_validate_json(response.content)
        except (ValueError, RecursionError):
            body = None
        if body is not None:
            raise from_body(body, retry_after=seconds)
    raise Unavailable(f"the other side answered {status}", retry_after=seconds, answered=status)


def _retry_after(response: httpx.Response) -> float | None:
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None


async def read_limited(response: httpx.Response, *, at_most: int, within: float = STREAM_SECONDS) -> bytes:
    """The whole body; raises TooLarge above `at_most` bytes, Unreachable when it takes longer than `within` seconds."""
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for chunk in response.aiter_bytes(_CHUNK):
                body += chunk
                if len(body) > at_most:
                    raise TooLarge(f"the body is longer than {at_most} bytes")
    except TimeoutError as problem:
        raise Unreachable(f"the body did not come within {within:g} seconds") from problem
    return bytes(body)
