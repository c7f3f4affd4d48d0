"""One photo from its upload to an approved classification, as a person's script would do it, and where it ended up."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.flow.stack import ROOT, Stack, rows
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
from trapper_schemas.read_results import read_results

SAMPLE = ROOT / "models" / "sample" / "forest-edge" / "IMG_0001.JPG"
PATIENCE_SECONDS = 150.0
LOOK_SECONDS = 0.02


def unique_photo() -> bytes:
    """The sample photo of one animal with a comment of its own inside: new bytes, and the very same pixels."""
    photo = SAMPLE.read_bytes()
    comment = uuid7().hex.encode()
    return photo[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + photo[2:]


@dataclass
class Project:
    """Where the photos of these tests go: wired to both demo models, so that nobody has to ask for the AI."""

    research_project_id: str
    collection_id: str
    classification_project_id: str
    linked_collection_id: str


@dataclass
class PhotoRun:
    """One photo under way; `look` sees how far it is, past every API."""

    stack: Stack
    project: Project
    photo: bytes = field(default_factory=unique_photo)
    resource_id: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.photo).hexdigest()

    def client(self) -> TrapperClient:
        return TrapperClient(self.stack.expert_url, self.stack.token, patience=20.0)

    async def upload(self) -> None:
        """Announce and send until it is there, as every uploader does: the file's hash makes that safe."""
        await asyncio.to_thread(self._upload)

    def _upload(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.resource_id = self._send()
            except (Unreachable, ApiProblem):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _send(self) -> str:
        name = "IMG_0001.JPG"
        file = AnnouncedFile(name=name, path=name, size_bytes=len(self.photo), sha256=self.sha256)
        with self.client() as client:
            (begun,) = client.begin_uploads(
                NewUploads(
                    research_project_id=self.project.research_project_id,
                    collection_id=self.project.collection_id,
                    items=[file],
                )
            )
            if begun.resource_id:
                return begun.resource_id
            assert begun.upload_id
            return client.upload(begun.upload_id, self.photo, len(self.photo))

    async def expert(self, statement: str) -> list[tuple[object, ...]]:
        """What the Expert's database says of this photo ($1 is its sha256)."""
        return await rows(self.stack.expert_database, statement, self.sha256)

    async def manager(self, statement: str) -> list[tuple[object, ...]]:
        """What the Manager's database says of this photo's jobs ($1 is their ids there)."""
        jobs = await self.expert(
            "select jr.job_id from job_resources jr join resources r on r.id = jr.resource_id where r.sha256 = $1"
        )
        keys = [str(job) for (job,) in jobs]  # the Expert's own id is the idempotency key of the hand-over
        there = await rows(self.stack.manager_database, "select id from jobs where idempotency_key = any($1)", keys)
        return await rows(self.stack.manager_database, statement, [job for (job,) in there])

    async def until(self, reached: Callable[["PhotoRun"], Any], what: str) -> None:
        """Look again and again until something holds; the logs are told when it never does."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await reached(self):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"never {what}: {await self.where()}\n{self.stack.logs()}")
            await asyncio.sleep(LOOK_SECONDS)

    async def where(self) -> dict[str, Any]:
        """How far it is, for a failing test."""
        return {
            "resource": await self.expert("select state from resources where sha256 = $1"),
            "jobs": await self.expert(
                "select j.stage, jr.outcome, jr.message from job_resources jr join resources r on r.id = jr.resource_id"
                " join ai_classification_jobs j on j.id = jr.job_id where r.sha256 = $1"
            ),
            "batches": await self.manager("select state, attempt, losses from batches where job_id = any($1)"),
        }

    async def finish(self) -> dict[str, Any]:
        """Wait for the AI, approve what it saw, and tell the end state without ids, times and attempts."""
        await self.until(job_ended, "ended the job")
        await self.until(acknowledged, "acknowledged the results")
        await self.until(delivered, "emptied the worker's spool")  # one that died hears "duplicate" when it is back
        await asyncio.to_thread(self._approve)
        return await self.end_state()

    def _approve(self) -> None:
        with self.client() as client:
            (row,) = list(
                client.classifications(
                    classification_project_id=[self.project.classification_project_id],
                    resource_id=[self.resource_id],
                    type=["ai"],
                    current=True,
                )
            )
            client.approve(row.id, row.version)

    def spooled(self) -> list[str]:
        """Results that the Worker still keeps."""
        return sorted(path.name for path in (self.stack.worker_state / "spool").glob("*"))

    def stamps(self) -> list[tuple[str, str, bool]]:
        """What the kept blob says of each stage: model, provider, and whether the golden run's checksum is there."""
        kept = [path.read_bytes() for path in (self.stack.folder / "expert-blobs").rglob("*") if path.is_file()]
        (own,) = [one for one in map(read_results, kept) if str(one.ids[0]) == self.resource_id]
        return [(run.model.name, run.provider, run.checksum != "") for run in own.stages]

    async def end_state(self) -> dict[str, Any]:
        """Everything that must be equal whatever happened on the way."""
        original = self.stack.folder / "media"
        copies = [path for path in original.rglob("*") if path.is_file() and path.read_bytes() == self.photo]
        return {
            "originals in the store": len(copies),
            "resource": await self.expert("select state, width, height from resources where sha256 = $1"),
            "jobs": await self.expert(
                "select j.stage, j.total, j.done, j.blank, j.failed, jr.outcome from job_resources jr"
                " join resources r on r.id = jr.resource_id join ai_classification_jobs j on j.id = jr.job_id"
                " where r.sha256 = $1"
            ),
            "manager": await self.manager("select state::text from jobs where id = any($1)"),
            "classifications": await self.expert(
                "select c.type, c.superseded_by_id is null, c.locked_at is not null, c.is_approved"
                " from classifications c join resources r on r.id = c.resource_id where r.sha256 = $1 order by 1, 2"
            ),
            "observations": await self.expert(
                "select o.observation_type, round(o.bbox_x::numeric, 4), round(o.bbox_y::numeric, 4),"
                " round(o.detection_confidence::numeric, 3), round(o.classification_confidence::numeric, 3)"
                " from observations o join resources r on r.id = o.resource_id where r.sha256 = $1 order by 1, 2, 3"
            ),
            "spooled": self.spooled(),
            "stamps": self.stamps(),
        }


async def job_ended(photo_run: PhotoRun) -> bool:
    found = await photo_run.expert(
        "select j.stage from job_resources jr join resources r on r.id = jr.resource_id"
        " join ai_classification_jobs j on j.id = jr.job_id where r.sha256 = $1"
    )
    return bool(found) and all(stage in {"finished", "failed", "cancelled"} for (stage,) in found)


async def acknowledged(photo_run: PhotoRun) -> bool:
    return (await photo_run.manager(ACKNOWLEDGED))[0][0] is True


async def delivered(photo_run: PhotoRun) -> bool:
    return not photo_run.spooled()


ACKNOWLEDGED = "select bool_and(acknowledged_at is not null) from saved_results where job_id = any($1)"


async def make_project(stack: Stack) -> Project:
    """A research project with a linked collection, wired before anything is uploaded."""
    return await asyncio.to_thread(_make_project, stack)


def _make_project(stack: Stack) -> Project:
    with TrapperClient(stack.expert_url, stack.token, patience=20.0) as client:
        short = uuid7().hex[-6:]
        research = client.create_research_project(NewResearchProject(name=f"Flow {short}", acronym=short))
        client.activate_research_project(research.id)
        collection = client.create_collection(NewCollection(research_project_id=research.id, name="card 1"))
        models = {provider.name: provider.id for provider in client.providers()}
        project = client.create_classification_project(
            NewClassificationProject(
                research_project_id=research.id,
                name=f"Flow {short}",
                object_detection_ai_model=models["demo-detector"],
                species_ai_model=models["demo-species"],
            )
        )
        linked = client.link_collection(project.id, NewLinkedCollection(collection_id=collection.id))
        return Project(research.id, collection.id, project.id, linked.id)
