"""People who upload pictures and ask for the AI over the Expert's API, whatever the weather."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from tests.chaos.machines import Fleet
from tests.support.chaos_pictures import Fate, Picture, no_picture, picture
from trapper_client.client import TrapperClient
from trapper_client.contract import (
    AnnouncedFile,
    NewClassificationProject,
    NewCollection,
    NewLinkedCollection,
    NewResearchProject,
    NewUploads,
)
from trapper_client.errors import ApiProblem, Unreachable
from trapper_schemas.ids import uuid7

T = TypeVar("T")
PATIENCE_SECONDS = 300.0
_WAVE = 7
_AT_ONCE = 40
_BETWEEN_WAVES = (0.3, 1.2)


@dataclass
class People:
    """One project, its pictures so far, and what its people asked for beside what comes by itself."""

    fleet: Fleet
    rng: Random
    pictures: list[Picture] = field(default_factory=list)
    asked: int = 0
    research_project_id: str = ""
    collection_id: str = ""
    project_id: str = ""

    async def begin(self) -> None:
        """A linked collection whose every picture is looked at by the deadly detector."""
        await asyncio.to_thread(self._patiently, self._make_project)

    async def upload_until(self, stop: asyncio.Event, *, at_most: int) -> None:
        """Wave after wave, each with its blank pictures and now and then a bad one; a wave is also asked for."""
        while not stop.is_set():
            many = len(self.pictures) >= at_most  # then only enough that everything goes on
            await self.upload([*self._wave(2 if many else _WAVE), *self._bad()])
            if self.rng.random() < 0.3:
                await self.ask_some(12)
            await asyncio.sleep(self.rng.uniform(*_BETWEEN_WAVES) * (3 if many else 1))

    async def throng(self, pictures: int, *, asked: int) -> None:
        """A card is read in, and somebody wants everything once more: a job of many batches, so that a queue stands."""
        for start in range(0, pictures, _AT_ONCE):
            await self.upload(self._wave(min(_AT_ONCE, pictures - start)))
        await self.ask_some(asked)

    async def ask_some(self, at_most: int) -> None:
        """For some that have a job by themselves, too."""
        askable = [one for one in self.pictures if one.fate is not Fate.UNREADABLE]
        await self.ask(self.rng.sample(askable, min(at_most, len(askable))))

    def _wave(self, count: int) -> list[Picture]:
        return [picture(self.rng.randrange(4)) for _ in range(count)]

    def _bad(self) -> list[Picture]:
        found = [picture(0, fate) for fate in (Fate.DEADLY, Fate.TOO_LARGE) if self.rng.random() < 0.15]
        return [*found, no_picture(self.rng.randrange(3))] if self.rng.random() < 0.3 else found

    async def upload(self, wave: Sequence[Picture]) -> None:
        """Announce and send until all of it is there."""
        await asyncio.to_thread(self._patiently, lambda client: self._send(client, wave))
        self.pictures += wave

    async def ask(self, pictures: Sequence[Picture]) -> None:
        """For these once more, as a person does who does not trust the first answer."""
        key = str(uuid7())

        def once(client: TrapperClient) -> None:
            body = {"classification_project_id": self.project_id, "resource_ids": [one.resource_id for one in pictures]}
            client.api.call("POST", "/api/ai-classification-jobs/", json=body, headers={"Idempotency-Key": key})

        await asyncio.to_thread(self._patiently, once)
        self.asked += 1

    def _patiently(self, do: Callable[[TrapperClient], T]) -> T:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with TrapperClient(self.fleet.expert_url, self.fleet.token, patience=20.0) as client:
                    return do(client)
            except (Unreachable, ApiProblem):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _make_project(self, client: TrapperClient) -> None:
        short = uuid7().hex[-6:]
        research = client.create_research_project(NewResearchProject(name=f"Storm {short}", acronym=short))
        client.activate_research_project(research.id)
        collection = client.create_collection(NewCollection(research_project_id=research.id, name="card 1"))
        models = {provider.name: provider.id for provider in client.providers()}
        project = client.create_classification_project(
            NewClassificationProject(
                research_project_id=research.id,
                name=f"Storm {short}",
                object_detection_ai_model=models["tiny-detection"],
            )
        )
        client.link_collection(project.id, NewLinkedCollection(collection_id=collection.id))
        self.research_project_id, self.collection_id, self.project_id = research.id, collection.id, project.id

    def _send(self, client: TrapperClient, wave: Sequence[Picture]) -> None:
        items = [
            AnnouncedFile(name=name, path=name, size_bytes=len(one.content), sha256=one.sha256)
            for one in wave
            for name in (f"{one.sha256[:12]}.png",)
        ]
        begun = client.begin_uploads(
            NewUploads(research_project_id=self.research_project_id, collection_id=self.collection_id, items=items)
        )
        for one, item in zip(wave, begun, strict=True):
            if item.resource_id:
                one.resource_id = item.resource_id
            else:
                assert item.upload_id
                one.resource_id = client.upload(item.upload_id, one.content, len(one.content))
