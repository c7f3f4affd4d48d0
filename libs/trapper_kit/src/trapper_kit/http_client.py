"""The one way out: addresses are resolved once, checked and then connected to; size, time and redirects are limited."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import (  # noqa: TID251 - it reads the environment, and calls nobody
    getproxies_environment,
    proxy_bypass_environment,  # pyright: ignore[reportAttributeAccessIssue] - typeshed lacks it
)

import httpcore
import httpx

from trapper_kit.problems import Problem, TooLarge, Unavailable, from_body
from trapper_schemas.problem import MEDIA_TYPE, ProblemBody

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
RETRIES = 2
RETRY_PAUSE_SECONDS = 0.2
_CHUNK = 1 << 20


class AddressRefused(Problem):
    type = "address-refused"
    title = "This address may not be called from here"
    status = 422


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
        except OSError:
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

    def __post_init__(self) -> None:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self._client = httpx.AsyncClient(
            base_url=self.base_url,
            headers={**self.headers, **authorization},
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
        for attempt in range(RETRIES + 1 if again else 1):
            try:
                response = await self._client.request(
                    method, path, json=json, content=content, params=params, headers=headers, **extra
                )
                break
            except (httpx.TransportError, httpcore.NetworkError) as problem:
                if not again or attempt == RETRIES:
                    raise Unreachable(f"{self.base_url} did not answer: {_reason(problem)}") from problem
                await asyncio.sleep(RETRY_PAUSE_SECONDS * (attempt + 1))
        else:
            raise AssertionError("the loop above returns or raises")
        raise_for_problem(response)
        return response

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[httpx.Response, None]:
        """A body that is read as it comes; the caller limits its size (see `read_limited`)."""
        try:
            async with self._client.stream("GET", path, headers=headers, params=params) as response:
                if response.is_error:
                    await response.aread()
                    raise_for_problem(response)
                yield response
        except httpx.InvalidURL as problem:
            raise AddressRefused(f"{path[:200]!r} is not an address") from problem
        except (httpx.TransportError, httpcore.NetworkError) as problem:
            raise Unreachable(f"{self.base_url} did not answer: {_reason(problem)}") from problem

    def use_token(self, token: str) -> None:
        """From the next request on, this is our credential."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


def raise_for_problem(response: httpx.Response) -> None:
    """Turn a problem body into the exception of the same type; any other error becomes Unavailable."""
    if not response.is_error:
        return
    retry_after = response.headers.get("Retry-After", "")
    seconds = float(retry_after) if retry_after.replace(".", "", 1).isdigit() else None
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        raise from_body(ProblemBody.model_validate_json(response.content), retry_after=seconds)
    status = response.status_code
    raise Unavailable(f"the other side answered {status}", retry_after=seconds, answered=status)


async def read_limited(response: httpx.Response, *, at_most: int) -> bytes:
    """The whole body, or TooLarge as soon as it is longer than `at_most` bytes."""
    body = bytearray()
    async for chunk in response.aiter_bytes(_CHUNK):
        body += chunk
        if len(body) > at_most:
            raise TooLarge(f"the body is longer than {at_most} bytes")
    return bytes(body)
