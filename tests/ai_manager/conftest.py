"""A Manager on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import Manager, manager_settings, opened_manager


@pytest.fixture
async def manager(
    ai_manager_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Manager]:
    """With the test detector published, and nobody enrolled; settings come by indirect parameters."""
    settings = manager_settings(ai_manager_database_url, tmp_path, **getattr(request, "param", {}))
    async with opened_manager(settings) as opened:
        await opened.publish()
        yield opened


@pytest.fixture
async def expert(manager: Manager) -> dict[str, str]:
    """Headers of a service that submits."""
    return await manager.token(Scope.JOBS)
