"""File names as bytes that nobody promised to be text: how they are sorted, shown and sent."""

import os


def byte_order(name: str) -> bytes:
    """The key by which names are sorted: their bytes, the same on every machine and in every language."""
    return os.fsencode(name)


def as_text(name: str) -> str:
    r"""The name as proper Unicode for places that take nothing else; a byte that is not UTF-8 becomes \xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
