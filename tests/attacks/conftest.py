"""The real services, attacked over their real apps."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ai_manager.conftest import manager
from tests.expert.conftest import backend
from tests.support.access_world import World, opened_world
from tests.support.database import Databases

__all__ = ["backend", "manager"]


@pytest.fixture
async def own_world(databases: Databases, tmp_path: Path) -> AsyncIterator[World]:
    """One for a test that compares before and after."""
    url = await databases.fresh("expert")
    async with opened_world(url, tmp_path) as world:
        yield world
    await databases.drop(url)


@pytest.fixture(scope="module")
async def everything(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests of a file, since making it takes long; the walk over all routes changes it."""
    url = await databases.fresh("expert")
    async with opened_world(url, tmp_path_factory.mktemp("world")) as world:
        yield world
    await databases.drop(url)
