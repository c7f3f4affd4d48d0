"""Makes HTTP clients that honour proxies and certificates of the environment, and says why a call failed."""

import os
import socket
import ssl
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from trapper_client.errors import WrongUsage
from trapper_schemas.certificates import certificate_problem
from trapper_schemas.urls import check_url

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def open_client(url: str, *, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for an address; a proxy of the environment is never used for this machine itself.

    Raises WrongUsage, naming the setting, when a proxy's address or a file of certificates is not usable.
    """
    if (reason := certificate_problem()) is not None:
        raise WrongUsage(f"{reason}.")
    try:
        certificates = httpx.create_ssl_context()
    except OSError as problem:  # ssl.SSLError is one too
        reason = problem.strerror or problem
        raise WrongUsage(f"The certificates of {_names(_CERTIFICATES)} cannot be read: {reason}.") from problem
    try:
        if proxy := _proxy_setting(url):
            check_url(proxy if "://" in proxy else f"http://{proxy}", credentials=True)
        return httpx.Client(verify=certificates, timeout=timeout, trust_env=not is_loopback(url), transport=transport)
    except (ValueError, httpx.InvalidURL, ImportError) as problem:
        raise WrongUsage(f"The proxy setting {_names(_proxy_settings(url))} cannot be used: {problem}.") from problem


def failure_reason(problem: Exception, url: str) -> str:
    """Why a call failed, as a clause: the proxy, the certificate, the name, the time limit, or the connection.

    It names the setting that helps where there is one.
    """
    reasons = (_reason_of(cause, url) for cause in _causes(problem))
    specific = next((reason for reason in reasons if reason is not None), None)
    if specific is not None:
        return specific
    if isinstance(problem, httpx.ConnectTimeout):
        return f"no connection within {_limit(problem, 'connect')}{_through_proxy(url)}"
    if isinstance(problem, httpx.TimeoutException):
        return f"no reply within {_limit(problem, 'read')} (TRAPPER_TIMEOUT)"
    return f"{str(problem) or type(problem).__name__}{_through_proxy(url)}"


def _limit(problem: httpx.TimeoutException, kind: str) -> str:
    try:
        return f"{problem.request.extensions['timeout'][kind]:g} s"
    except (RuntimeError, KeyError, TypeError, ValueError):
        return "the time limit"


def is_loopback(url: str) -> bool:
    """Whether the address is this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _reason_of(cause: BaseException, url: str) -> str | None:
    match cause:
        case httpx.ProxyError():
            return f"the proxy {_proxy(url)} refused: {cause}; see {_names(_proxy_settings(url))} and NO_PROXY"
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not trusted: {cause.verify_message}; "
                "SSL_CERT_FILE or SSL_CERT_DIR can name the authority that signed it"
            )
        case ssl.SSLError():
            return f"the TLS connection failed: {cause.reason or cause}"
        case socket.gaierror():
            return f"its name cannot be looked up: {cause.strerror}{_through_proxy(url)}"
        case _:
            return None


def _causes(problem: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while problem is not None and problem not in causes:
        causes.append(problem)
        problem = problem.__cause__ or problem.__context__
    return causes


def _setting(name: str) -> str:
    return os.environ.get(name.lower()) or os.environ.get(name) or ""


def _names(settings: tuple[str, ...]) -> str:
    return ", ".join(name for name in settings if _setting(name)) or " or ".join(settings)


def _proxy_settings(url: str) -> tuple[str, ...]:
    return (f"{url.partition(':')[0].upper()}_PROXY", "ALL_PROXY")


def _proxy(url: str) -> str:
    """The address of the proxy for this URL, without a password; empty where there is none."""
    return _proxy_setting(url).rpartition("@")[2].rpartition("://")[2]


def _proxy_setting(url: str) -> str:
    """The proxy that the environment names for this URL, as it is written; empty where there is none."""
    names = () if is_loopback(url) else _proxy_settings(url)
    return next((_setting(name) for name in names if _setting(name)), "")


def _through_proxy(url: str) -> str:
    proxy = _proxy(url)
    return f" (through the proxy {proxy}, unless NO_PROXY names the address)" if proxy else ""
