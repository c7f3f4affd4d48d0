"""File names as bytes that nobody promised to be text, and reasons as sentences."""

import os


def byte_order(name: str) -> bytes:
    """The key by which names are sorted: their bytes, the same on every machine and in every language."""
    return os.fsencode(name)


def as_text(name: str) -> str:
    r"""The name as proper Unicode for places that take nothing else; a byte that is not UTF-8 becomes \xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def sentence(text: str) -> str:
    """One plain sentence: no line breaks, a capital at its beginning and a full stop at its end."""
    plain = " ".join(text.split())
    plain = plain[:1].upper() + plain[1:]
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."
