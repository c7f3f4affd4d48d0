"""Random tokens, stored as hashes and compared in constant time, and HMACs for media grants."""

import base64
import hashlib
import hmac
import secrets

_RANDOM_BYTES = 32


def new_token(prefix: str) -> str:
    """Returns a new secret; the prefix tells people and leak scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(_RANDOM_BYTES)}"


def hash_token(token: str) -> str:
    """Returns the sha256 that is stored; tokens have 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(first: str, second: str) -> bool:
    """Returns whether both are equal, in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def sign(key: bytes, *parts: str) -> str:
    """Returns the HMAC-SHA256 of the parts, each with a length prefix."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


def derive(secret: str, purpose: str) -> bytes:
    """Returns a key for one purpose from the service's secret."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
