"""Which addresses may be called: public ones, and those of the networks that a setting lists."""

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from trapper_kit.problems import Problem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Problem):
    type = "address-refused"
    title = "This address may not be called from here"
    status = 422


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
