"""One validator for every address that somebody can set: host names, ports, schemes, no credentials in the URL."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import idna
from pydantic import AfterValidator

HTTP = frozenset({"http", "https"})
REDIS = frozenset({"redis", "rediss"})
STORES = frozenset({"az", "gs", "s3"})
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\\]")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_MAX_NAME = 253
_MAX_PORT = 65_535


def check_url(
    url: str, *, schemes: frozenset[str] = HTTP, credentials: bool = False, query: bool = True
) -> SplitResult:
    """The parts of an absolute URL; raises ValueError with a sentence for anything that no client should call."""
    if _CONTROL.search(url):
        raise ValueError("the address has a space, a backslash or a control character in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # whose message may have a part of a password in it
        raise ValueError("the address cannot be read: its host or its port is malformed") from None
    if parts.scheme not in schemes:
        raise ValueError(f"the address must begin with {' or '.join(f'{scheme}://' for scheme in sorted(schemes))}")
    if not parts.hostname:
        raise ValueError("the address names no host")
    if port is not None and not 0 < port <= _MAX_PORT:
        raise ValueError("the port of the address must be between 1 and 65535")
    if not credentials and "@" in parts.netloc:
        raise ValueError("the address must not have a user name or password in it")
    if parts.fragment or (parts.query and not query):
        raise ValueError("the address must not have a query or a fragment")
    check_host(parts.hostname)
    return parts


def check_origin(url: str) -> str:
    """Returns an origin (scheme, host and port); raises ValueError for anything else."""
    if check_url(url, query=False).path.strip("/"):
        raise ValueError("an origin has no path")
    return url


def check_host(host: str) -> None:
    """Raise ValueError for a host that is neither an IP address nor a name that DNS can hold."""
    plain = host.partition("%")[0]
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        try:
            ipaddress.ip_address(plain)
        except ValueError as problem:
            raise ValueError(f"{host[:60]!r} is not an IP address") from problem
        return
    try:
        encoded = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except ValueError as problem:  # idna's errors are UnicodeErrors
        raise ValueError(f"{host[:60]!r} is not a host name: {problem}") from problem
    labels = encoded.rstrip(".").split(".")
    if len(encoded) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            f"{host[:60]!r} is not a host name: a label is empty, longer than 63 characters, or has a character that "
            "DNS does not take"
        )


def _http(url: str) -> str:
    check_url(url)
    return url


def _base(url: str) -> str:
    check_url(url, query=False)
    return url


def _store(url: str) -> str:
    check_url(url, schemes=STORES, query=False)
    return url


Origin = Annotated[str, AfterValidator(check_origin)]
"""Scheme, host and port."""
HttpAddress = Annotated[str, AfterValidator(_http)]
"""An address that may have a query, such as a signed link."""
BaseAddress = Annotated[str, AfterValidator(_base)]
"""An address that paths are appended to."""
StoreAddress = Annotated[str, AfterValidator(_store)]
"""A bucket of an object store, with a prefix; its credentials come from the environment."""
