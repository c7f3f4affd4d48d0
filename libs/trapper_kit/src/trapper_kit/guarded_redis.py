"""Connections to a Redis whose address somebody set: the host is resolved once, checked, and called as checked."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from redis.connection import Connection, SSLConnection

from trapper_kit.addresses import AddressRefused, Network, check_address
from trapper_kit.logs import log
from trapper_schemas.urls import REDIS, check_url


class _Guarded(Connection):
    """Connects to the numeric address that was checked, whatever the name means a moment later."""

    allowed: Sequence[Network] = ()

    def _connect(self) -> socket.socket:
        name = self.host
        entries = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in entries]
        try:
            for address in addresses:
                check_address(ipaddress.ip_address(address.split("%", 1)[0]), self.allowed)
        except AddressRefused as refusal:
            log("redis.refused", detail=refusal.detail)
            raise OSError(refusal.detail) from refusal  # redis turns it into the error that its callers expect
        self.host = addresses[0]
        try:
            return super()._connect()  # type: ignore[no-any-return]  # redis has no annotation there
        finally:
            self.host = name


class _GuardedTls(SSLConnection, _Guarded):
    """The certificate is checked against the name, not against the address."""


def guarded_connection(url: str, allowed: Sequence[Network]) -> Any:
    """The connection class for an address that a person gave; raises AddressRefused for one that is no address."""
    try:
        parts = check_url(url, schemes=REDIS, credentials=True)
    except ValueError as problem:
        raise AddressRefused(f"this is not the address of a Redis server: {problem}") from problem
    base = _GuardedTls if parts.scheme == "rediss" else _Guarded
    return type(base.__name__, (base,), {"allowed": tuple(allowed)})
