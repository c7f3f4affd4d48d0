"""Passwords as argon2 hashes, made and checked in a thread, because both are slow on purpose."""

import asyncio
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

_hashes = PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return _hashes.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """What is stored."""
    return await asyncio.to_thread(_hashes.hash, password)


async def check_password(password: str, stored: str | None) -> bool:
    """Whether it fits; takes as long when there is no account, so that time tells nothing."""
    try:
        fits = await asyncio.to_thread(_verify, password, stored)
    except UnknownHashError:
        return False
    return fits and stored is not None


def _verify(password: str, stored: str | None) -> bool:
    return _hashes.verify(password, stored or _nobodys_hash())
