"""Servers, databases and the rules of every test run: no network but loopback, warnings are errors."""

import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support import servers
from tests.support.database import Databases
from tests.support.schedule import StackScheduling
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey

# A slow machine is no failure; and what CI says of a commit does not depend on the day. At home new cases are tried.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

_connect = socket.socket.connect
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - a name to compare with, nothing is bound


def _only_loopback(self: socket.socket, address: Any) -> Any:
    if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(_LOOPBACK):
        raise RuntimeError(f"a test reached for {address[0]}; tests stay on the loopback address")
    return _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    socket.socket.connect = _only_loopback  # type: ignore[method-assign]  # the guard itself
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]  # as it was


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL per test process."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    """One Valkey per test process."""
    with servers.valkey() as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    """Fresh databases on demand."""
    return Databases(postgres)


@pytest.fixture
async def expert_database_url(databases: Databases) -> AsyncIterator[str]:
    """A fresh database of the Expert."""
    url = await databases.fresh("expert")
    yield url
    await databases.drop(url)


@pytest.fixture
async def ai_manager_database_url(databases: Databases) -> AsyncIterator[str]:
    """A fresh database of the Manager."""
    url = await databases.fresh("ai_manager")
    yield url
    await databases.drop(url)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StackScheduling:
    """Keep the tests of one stack together."""
    return StackScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what a test wants to be read also when it passed: its property `summary`."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "summary" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(str(text))
