"""A project whose pictures the AI has looked at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from expert.access.state import ClassificationRole
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_schemas.ids import uuid7


@pytest.fixture
async def seen(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.person("annotator", ClassificationRole.ANNOTATOR)
        await made.person("viewer", ClassificationRole.VIEWER)
        await made.person("stranger", None)
        answer = results(batch_id=uuid7(), resource_ids=made.resource_ids)
        await applied(made, await submitted(made), answer)
        yield made
        assert await made.broken() == {}
