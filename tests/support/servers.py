"""Real PostgreSQL and Valkey for the tests: one of each per test process, on the loopback address."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from trapper_cli.servers.postgres import UNSAFE_AND_FAST, EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey

SMALL = {"max_connections": "200", "shared_buffers": "64MB", "autovacuum": "off", "jit": "off"}


def folder() -> tempfile.TemporaryDirectory[str]:
    """A short place of our own; pytest's folders are deep and closed to the server's account."""
    return tempfile.TemporaryDirectory(prefix="trapper-tests-", ignore_cleanup_errors=True)


@contextmanager
def postgres() -> Generator[EmbeddedPostgres, None, None]:
    """A server whose data need not survive a power cut."""
    with folder() as place, EmbeddedPostgres(Path(place) / "pg", options={**UNSAFE_AND_FAST, **SMALL}) as server:
        yield server


@contextmanager
def valkey() -> Generator[EmbeddedValkey, None, None]:
    """A server of its own; tests keep apart by namespace, or flush it."""
    with folder() as place, EmbeddedValkey(Path(place) / "valkey") as server:
        yield server
