"""A house per test: the real app on a fresh database, with folders of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.make import expert
from tests.support.make.expert import House


@pytest.fixture
async def house(expert_database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with expert.house(expert_database_url, tmp_path) as opened:
        yield opened
