"""Hashes and checks passwords with argon2 in a few threads, because that is slow and needs memory by design."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from trapper_kit.problems import Invalid

SHORTEST, LONGEST = 12, 1000
_HASHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
"""Each hash takes 64 MiB; more at once would let strangers use up the memory."""
_REPEATED = re.compile(r"(.{1,4})\1+")
_hashes = PasswordHash.recommended()


def refuse_weak_password(password: str, *, email: str, field: str = "password") -> None:
    """Raise Invalid for a password that is short, common, repetitive, or made of the e-mail."""
    plain = password.casefold()
    name = email.casefold().partition("@")[0]
    if len(password) < SHORTEST:
        raise Invalid.field(field, f"a password has at least {SHORTEST} characters")
    if plain in _common() or re.sub(r"[\W\d_]+$", "", plain) in _common():
        raise Invalid.field(field, "this password is among the most common ones; choose another")
    if _REPEATED.fullmatch(plain) or (len(name) >= 4 and name in plain and len(plain) - len(name) < SHORTEST):  # noqa: PLR2004
        raise Invalid.field(field, "this password is too easy to guess: it repeats itself or the e-mail")


async def hash_password(password: str) -> str:
    """Returns the hash that is stored."""
    return await asyncio.get_running_loop().run_in_executor(_HASHING, _hashes.hash, password)


async def check_password(password: str, stored: str | None) -> bool:
    """Returns whether the password fits; takes as long when there is no account."""
    try:
        fits = await asyncio.get_running_loop().run_in_executor(_HASHING, _verify, password, stored)
    except UnknownHashError:
        return False
    return fits and stored is not None


def _verify(password: str, stored: str | None) -> bool:
    return _hashes.verify(password, stored or _hash_without_account())


@cache
def _hash_without_account() -> str:
    return _hashes.hash("no account has this password")


@cache
def _common() -> frozenset[str]:
    """Returns the most common passwords, lower case; source and licence are in the file's first lines."""
    lines = files("expert.access").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
