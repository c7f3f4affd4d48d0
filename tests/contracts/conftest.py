"""The Expert and the Manager, both real, both in process; tests can cut the Expert's connection to the Manager."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from ai_manager.access.state import Scope
from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.settle import settle_job
from expert.jobs import tasks as jobs
from expert.manager_client import Managers
from expert.results import tasks as results
from tests.support.make.ai_manager import (
    DETECTOR_SHA256,
    SPECIES_SHA256,
    Machine,
    Manager,
    manager_settings,
    model_entry,
    opened_manager,
    species_entry,
)
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_schemas.v1.models import Label, ModelRef
from trapper_schemas.v1.models import ObjectType as Kind

TEST_DETECTOR = ModelRef(name="test-detector", version="1", sha256=DETECTOR_SHA256)
TEST_SPECIES = ModelRef(name="test-species", version="1", sha256=SPECIES_SHA256)
EIGHT = tuple(Label(label=f"species {number}", observation_type=Kind.ANIMAL) for number in range(8))


class FaultyTransport(httpx.AsyncBaseTransport):
    """To the Manager's app; shut, nobody answers, or only the named paths do not."""

    def __init__(self, app: Any) -> None:
        self.inside = httpx.ASGITransport(app=app)
        self.unavailable: tuple[str, ...] = ()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if any(ending in request.url.path for ending in self.unavailable):
            raise httpx.ConnectError("the connection is cut by the test", request=request)
        return await self.inside.handle_async_request(request)


@dataclass
class Pair:
    """Both services."""

    expert: Scene
    manager: Manager
    faults: FaultyTransport

    async def sweep(self) -> None:
        """What the Expert does by itself, once, without any notification."""
        work = self.expert.work
        await self.expert.sql("update ai_classification_jobs set next_look_at = now() - interval '1 second'")
        for step in (
            jobs.sweep_due,
            jobs.sweep_created,
            jobs.sweep_open,
            jobs.sweep_withdrawn,
            results.sweep,
        ):
            await step(work)

    async def there(self) -> UUID:
        """The one job, under the Manager's id."""
        ((found,),) = await self.expert.sql("select manager_job_id from ai_classification_jobs")
        return found

    async def plan(self) -> None:
        """Cut the job into batches."""
        await plan_job(self.manager.work, await self.there())

    async def settle(self) -> None:
        """Close the job there when it is over."""
        await settle_job(self.manager.work, await self.there())

    async def work_off(self, machine: Machine, **changes: Any) -> int:
        """Claim and finish every batch; how many there were."""
        done = 0
        while leases := await machine.claim(limit=8):
            for lease in leases:
                answer = await machine.finish(lease, **changes)
                assert answer.status_code == 200, answer.text
                done += 1
            await self.plan()
        await self.settle()
        return done

    async def stage(self) -> str:
        """Of the one job."""
        ((found,),) = await self.expert.sql("select stage from ai_classification_jobs")
        return found

    async def sound(self) -> None:
        """Every invariant of both holds."""
        assert await self.expert.broken() == {}
        assert await self.manager.broken() == {}


@pytest.fixture
async def pair(expert_database_url: str, ai_manager_database_url: str, tmp_path: Path) -> AsyncIterator[Pair]:
    settings = manager_settings(ai_manager_database_url, tmp_path / "manager", batch_size=2)
    async with opened_manager(settings) as manager:
        await manager.publish(model_entry(), species_entry())
        token = (await manager.token(Scope.JOBS))["Authorization"].removeprefix("Bearer ")
        faults = FaultyTransport(manager.app)
        async with expert(expert_database_url, tmp_path / "expert", managers=Managers(transport=faults)) as work:
            made = await scene(
                work,
                resources=5,
                manager_url="http://manager.test",
                credential=token,
                detector=TEST_DETECTOR,
                classifier=TEST_SPECIES,
                species_labels=EIGHT,
            )
            yield Pair(made, manager, faults)
