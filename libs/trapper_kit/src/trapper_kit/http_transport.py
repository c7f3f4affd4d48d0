"""How a call gets out: a name is resolved once, checked and connected to, or left to the proxy of the machine."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, cast
from urllib.request import (  # noqa: TID251 - it reads the environment, and calls nobody
    getproxies_environment,
    proxy_bypass_environment,  # pyright: ignore[reportAttributeAccessIssue] - typeshed lacks it
)

import httpcore
import httpx

from trapper_kit.addresses import AddressRefused, Network, check_address
from trapper_kit.problems import Problem
from trapper_schemas.urls import check_url


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
        raise AddressRefused("addresses of Unix sockets are not supported")

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
        check_url(proxy, credentials=True)
        httpx.URL(proxy)
    except (ValueError, httpx.InvalidURL):  # whose message may have a part of the password in it
        raise ProxyRefused(f"{url.scheme.upper()}_PROXY is no address such as http://proxy.example.org:3128") from None
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def failure_in_words(problem: Exception) -> str:
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
