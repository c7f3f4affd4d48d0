"""Tokens: made from random bytes, shown once, kept as a hash, compared in constant time; and media grants."""

import base64
import hashlib
import hmac
import secrets

_RANDOM_BYTES = 32


def new_token(prefix: str) -> str:
    """A fresh secret; the prefix tells people and leak scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(_RANDOM_BYTES)}"


def hash_token(token: str) -> str:
    """What is stored; tokens have 256 random bits, so a plain sha256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(first: str, second: str) -> bool:
    """Equal, in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def sign(key: bytes, *parts: str) -> str:
    """The HMAC-SHA256 of some parts as text; each is prefixed with its length, so they cannot run together."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


def derive(secret: str, purpose: str) -> bytes:
    """A key for one purpose from the service's secret."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
