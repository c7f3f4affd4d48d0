"""One Expert per test: the real app on a fresh database, with folders of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.make import expert
from tests.support.make.expert import Backend


@pytest.fixture
async def backend(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Backend]:
    async with expert.backend(expert_database_url, tmp_path) as opened:
        yield opened
