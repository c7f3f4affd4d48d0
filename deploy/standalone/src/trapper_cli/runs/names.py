"""File names as bytes that need not be text, names for collections and deployments, and reasons as sentences."""

import hashlib
import os

_LONGEST_NAME = 120


def portable(name: str) -> str:
    r"""The name as UTF-8 text, each byte that is not UTF-8 as a lone surrogate (PEP 383): the same in every locale."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def byte_order(name: str) -> bytes:
    """The bytes of a portable name, by which names are sorted: the same on every machine and in every locale."""
    return name.encode("utf-8", "surrogateescape")


def as_text(name: str) -> str:
    r"""A portable name as proper Unicode for places that take nothing else; a byte that is not UTF-8 becomes \xNN."""
    return byte_order(name).decode("utf-8", "backslashreplace")


def sentence(text: str) -> str:
    """One plain sentence: no line breaks, a capital at its beginning and a full stop at its end."""
    plain = " ".join(text.split())
    plain = plain[:1].upper() + plain[1:]
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."


def unique_name(shown: str, whole: str) -> str:
    """A readable name with a short hash of `whole`, which tells it from every other one."""
    text = "".join(char if char.isprintable() else "?" for char in as_text(shown))
    return f"{text[:_LONGEST_NAME]} ({hashlib.sha256(byte_order(whole)).hexdigest()[:10]})"
