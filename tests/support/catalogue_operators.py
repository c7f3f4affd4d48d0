"""Somebody at the command line `trapper models …`, with a real Manager that runs in the test's own event loop."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.managers import RunningManager, running_manager
from trapper_client.app import run


class Operator:
    """Gives commands; `out` and `err` are what was printed last."""

    def __init__(self, manager: RunningManager, printed: pytest.CaptureFixture[str]) -> None:
        self.manager = manager
        self._printed = printed
        self.out = self.err = ""

    async def does(self, *words: str) -> int:
        """The exit code of one command."""
        code = await asyncio.to_thread(run, ["models", *words])
        self.out, self.err = self._printed.readouterr()
        return code

    async def said(self, *words: str) -> Any:
        """The document of a command that must succeed."""
        assert await self.does(*words, "--json") == 0, self.err
        return json.loads(self.out)


@asynccontextmanager
async def operating(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]
) -> AsyncGenerator[Operator, None]:
    """With a Manager of its own, and no Expert."""
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(folder / "var"))
    monkeypatch.delenv("TRAPPER_URL", raising=False)
    async with running_manager(database_url, folder) as manager:
        monkeypatch.setenv("TRAPPER_MANAGER_URL", manager.url)
        monkeypatch.setenv("TRAPPER_MANAGER_TOKEN", manager.client.headers["Authorization"].split()[1])
        yield Operator(manager, printed)
