"""A small world in the Expert for tests about AI and classifications: people, a project, pictures, two models."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from expert.access.issue_token import issue_token
from expert.access.models import ClassificationMembership, ResearchMembership
from expert.access.register import register
from expert.access.state import ClassificationRole, ResearchRole
from expert.algorithms.register import register_algorithm
from expert.app import create_app
from expert.classification_projects.link_collection import add_to_links
from expert.classification_projects.models import ClassificationProject, LinkedCollection
from expert.classifications.queries_invariants import INVARIANTS as CLASSIFICATIONS
from expert.classificators.make_default import default_classificator
from expert.collections.models import Collection
from expert.deps import ExpertWork, open_work
from expert.jobs import queries as jobs
from expert.jobs.cover import cover_due
from expert.jobs.queries_invariants import INVARIANTS as JOBS
from expert.jobs.state import JobStage
from expert.manager_client import Managers
from expert.media_store import blob_key, original_key
from expert.observations.queries_invariants import INVARIANTS as OBSERVATIONS
from expert.occurrences.queries_invariants import INVARIANTS as OCCURRENCES
from expert.operations.queries_invariants import INVARIANTS as OPERATIONS
from expert.postprocessing.queries_invariants import INVARIANTS as POSTPROCESSING
from expert.providers.models import AiProvider, AiProviderConnection
from expert.providers.seal import seal
from expert.research_projects.models import ResearchProject
from expert.research_projects.state import ResearchProjectStatus
from expert.resources.models import Resource
from expert.resources.state import ResourceKind, ResourceState
from expert.results import queries as results_queries
from expert.results.apply import apply_batch
from expert.results.models import ReceivedBatch
from expert.results.queries_invariants import INVARIANTS as RESULTS
from expert.results.state import ReceivedState
from expert.sequences.queries_invariants import INVARIANTS as SEQUENCES
from expert.settings import ExpertSettings, Intervals
from expert.statistics.queries_invariants import INVARIANTS as STATISTICS
from expert.taxa.models import Taxon
from tests.support.make.results import CLASSIFIER, DETECTOR
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import (
    Availability,
    Label,
    ModelKind,
    ModelRef,
    ModelReply,
    ModelSpec,
    ModelState,
    Origin,
    Preprocessing,
    Thresholds,
)
from trapper_schemas.v1.models import ObjectType as Kind
from trapper_schemas.v1.results import BatchResults, digest_of

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DETECTOR_LABELS = (
    Label(label="animal", observation_type=Kind.ANIMAL),
    Label(label="person", observation_type=Kind.HUMAN),
    Label(label="bench"),
)
SPECIES_LABELS = tuple(
    Label(label=name, scientific_name=scientific, rank="species")
    for name, scientific in (
        ("red deer", "Cervus elaphus"),
        ("roe deer", "Capreolus capreolus"),
        ("wild boar", "Sus scrofa"),
        ("red fox", "Vulpes vulpes"),
        ("griffin", "Gryps fabulosus"),
    )
)
OTHER_FILES = "0" * 64
"""The digest of results that tell of other files than the resources have."""
NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def expert(
    url: str, folder: Path, *, managers: Managers | None = None, **changes: Any
) -> AsyncGenerator[ExpertWork, None]:
    """The Expert's own world over a fresh database, gathering without waiting."""
    settings = ExpertSettings.model_validate(
        {
            "database_url": url,
            "secret_key": "a secret of at least thirty-two characters",
            "media_dir": folder / "media",
            "blobs_dir": folder / "blobs",
            "intervals": Intervals(gather_quiet=0, gather_at_most=0, sweep=0.05, follow=0.05, max_backoff=0.2),
            **changes,
        }
    )
    async with open_work(settings, managers=managers) as work:
        yield work


@dataclass
class Scene:
    """Ids of what was made, and how to act as somebody."""

    work: ExpertWork
    research_project_id: UUID
    project_id: UUID
    collection_id: UUID
    linked_collection_id: UUID
    connection_id: UUID
    detector_id: UUID
    classifier_id: UUID
    taxa: dict[str, UUID]
    resource_ids: tuple[UUID, ...] = ()
    tokens: dict[str, str] = field(default_factory=dict)
    user_ids: dict[str, UUID] = field(default_factory=dict)

    def as_(self, name: str) -> httpx.AsyncClient:
        """A client of the real app under this person's real token."""
        app = create_app(work=self.work)
        app.state.work = self.work
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://expert",
            headers={"Authorization": f"Bearer {self.tokens[name]}"},
        )

    async def person(self, name: str, role: ClassificationRole | None) -> str:
        """A person with a role in the classification project, and a token."""
        async with self.work.db() as db:
            self.user_ids[name], self.tokens[name] = await _person(db, name)
            if role is not None:
                db.add(
                    ClassificationMembership(
                        classification_project_id=self.project_id, user_id=self.user_ids[name], role=role
                    )
                )
        return name

    async def detector(self, name: str, *, sha256: str) -> UUID:
        """A second detection provider behind the same Manager."""
        ref = ModelRef(name=name, version="1", sha256=sha256)
        async with self.work.db() as db:
            return await _provider(db, self.connection_id, ModelKind.DETECTION, ref, DETECTOR_LABELS)

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Any statement, as an operator with a shell would run it."""
        async with self.work.db() as db:
            found = await db.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []  # type: ignore[attr-defined]  # a cursor result

    async def broken(self) -> dict[str, list[Any]]:
        """Invariants that do not hold, with what breaks them."""
        found: dict[str, list[Any]] = {}
        for name, statement in {
            **JOBS,
            **OPERATIONS,
            **POSTPROCESSING,
            **RESULTS,
            **CLASSIFICATIONS,
            **OBSERVATIONS,
            **OCCURRENCES,
            **SEQUENCES,
            **STATISTICS,
        }.items():
            rows = await self.sql(statement.replace(":", "\\:"))
            if rows:
                found[name] = rows
        return found


def model_reply(kind: ModelKind, ref: ModelRef, labels: Sequence[Label]) -> ModelReply:
    """A model as a Manager lists it."""
    spec = ModelSpec(
        predictor="yolov8" if kind is ModelKind.DETECTION else "classifier",
        preprocessing=Preprocessing(width=64, height=64),
        labels=tuple(labels),
        thresholds=Thresholds(typical=0.2, conservative=0.5),
    )
    return ModelReply(
        name=ref.name,
        version=ref.version,
        kind=kind,
        availability=Availability.READY,
        sha256=ref.sha256,
        size_bytes=1,
        spec=spec,
        licence="MIT",
        held=True,
        state=ModelState.PUBLISHED,
        origin=Origin.OPERATOR,
    )


async def _person(db: Session, name: str) -> tuple[UUID, str]:
    now = datetime.now(UTC)
    user = await register(
        db, email=f"{name}@example.org", name=name, password_hash="-", now=now, active=True, site_admin=False
    )
    _, token = await issue_token(db, user_id=user.id, name="t", scopes=["*"], lasts=timedelta(days=1), now=now)
    return user.id, token


async def _provider(db: Session, connection_id: UUID, kind: ModelKind, ref: ModelRef, labels: Sequence[Label]) -> UUID:
    registered = await register_algorithm(db, model_reply(kind, ref, labels))
    row = AiProvider(
        id=uuid7(),
        provider_type=kind,
        connection_id=connection_id,
        algorithm_id=registered.algorithm_id,
        name=ref.name,
        version=ref.version,
        sha256=ref.sha256,
        availability="ready",
        threshold_typical=0.2,
        threshold_conservative=0.5,
        licence="MIT",
    )
    db.add(row)
    await db.flush()
    return row.id


async def scene(
    work: ExpertWork,
    *,
    resources: int | Sequence[UUID] = 3,
    manager_url: str = NOWHERE,
    credential: str = "credential",
    detector: ModelRef = DETECTOR,
    classifier: ModelRef = CLASSIFIER,
    detector_labels: Sequence[Label] = DETECTOR_LABELS,
    species_labels: Sequence[Label] = SPECIES_LABELS,
    **project: Any,
) -> Scene:
    """An owner, a project with both models, and described pictures in a linked collection."""
    async with work.db() as db:
        owner, token = await _person(db, "owner")
        taxa: dict[str, UUID] = {}
        for name in ("Cervus elaphus", "Capreolus capreolus", "Sus scrofa", "Vulpes vulpes"):
            taxa[name] = uuid7()
            db.add(
                Taxon(id=taxa[name], scientific_name=name, canonical_name=name, rank="species", path=f"/{taxa[name]}/")
            )
        connection = AiProviderConnection(
            id=uuid7(), name="manager", url=manager_url, encrypted_credential=seal(work.settings, credential)
        )
        research = ResearchProject(
            id=uuid7(),
            name="Forest",
            acronym="FOR",
            owner_id=owner,
            status=ResearchProjectStatus.ACTIVE,
            activated_at=LONG_AGO,
        )
        db.add_all([connection, research])
        await db.flush()
        db.add(ResearchMembership(research_project_id=research.id, user_id=owner, role=ResearchRole.OWNER))
        detector_id = await _provider(db, connection.id, ModelKind.DETECTION, detector, detector_labels)
        classifier_id = await _provider(db, connection.id, ModelKind.CLASSIFICATION, classifier, species_labels)
        classificator = await default_classificator(db, research.id, by=owner)
        row = ClassificationProject(
            **{
                "id": uuid7(),
                "research_project_id": research.id,
                "name": "Deer",
                "slug": "deer",
                "classificator_id": classificator.id,
                "object_detection_ai_model_id": detector_id,
                "species_ai_model_id": classifier_id,
                "classification_threshold": 0.5,
                **project,
            }
        )
        collection = Collection(id=uuid7(), research_project_id=research.id, name="Spring")
        db.add_all([row, collection])
        await db.flush()
        link = LinkedCollection(
            id=uuid7(),
            classification_project_id=row.id,
            collection_id=collection.id,
            consented_at=datetime.now(UTC),
        )
        db.add(link)
    made = Scene(
        work,
        research.id,
        row.id,
        collection.id,
        link.id,
        connection.id,
        detector_id,
        classifier_id,
        taxa,
        tokens={"owner": token},
        user_ids={"owner": owner},
    )
    ids = [uuid7() for _ in range(resources)] if isinstance(resources, int) else resources
    await add_pictures(made, ids)
    return made


async def add_pictures(into: Scene, ids: Sequence[UUID], *, state: ResourceState = ResourceState.DESCRIBED) -> None:
    """Pictures with real bytes in the store, described long ago."""
    work = into.work
    async with work.db() as db:
        for one in sorted(ids):
            data = f"picture {one}".encode()
            digest = sha256(data).hexdigest()
            key = original_key(into.research_project_id, digest, 0)
            await work.media.put(key, data)
            db.add(
                Resource(
                    id=one,
                    research_project_id=into.research_project_id,
                    file_name=f"{one}.jpg",
                    file_path=f"{one}.jpg",
                    kind=ResourceKind.IMAGE,
                    media_type="image/jpeg",
                    size_bytes=len(data),
                    sha256=digest,
                    stored_sha256=digest,
                    object_key=key,
                    width=1280,
                    height=960,
                    state=state,
                    described_at=LONG_AGO if state is not ResourceState.STORED else None,
                )
            )
        await db.flush()
        await db.execute(
            text(
                "insert into collection_resources"
                " (id, research_project_id, collection_id, resource_id, file_name, path, path_print)"
                " select gen_random_uuid(), research_project_id, :c, id, file_name, file_path, id::text"
                " from resources where id = any(:ids)"
            ),
            {"c": into.collection_id, "ids": list(ids)},
        )
        await add_to_links(db, into.collection_id, list(ids))
    into.resource_ids = (*into.resource_ids, *sorted(ids))


async def submitted(made: Scene) -> UUID:
    """One job over everything that is due, as if its Manager had taken it."""
    await cover_due(made.work)
    now = made.work.clock.now()
    async with made.work.db() as db:
        ((job_id,),) = (
            await db.execute(text("select id from ai_classification_jobs where stage = 'created' order by id limit 1"))
        ).all()
        await jobs.move(
            db, job_id, was=JobStage.CREATED, to=JobStage.RUNNING, now=now, manager_job_id=uuid7(), next_look_at=now
        )
    return job_id


async def asked_again(made: Scene) -> UUID:
    """A second job over the same resources, as if its Manager had taken it."""
    async with made.as_("owner") as client:
        answer = await client.post(
            "/api/ai-classification-jobs/",
            json={
                "classification_project_id": str(made.project_id),
                "linked_collection_id": str(made.linked_collection_id),
            },
            headers={"Idempotency-Key": str(uuid7())},
        )
    job_id = UUID(answer.json()["job"]["id"])
    async with made.work.db() as db:
        await jobs.move(
            db,
            job_id,
            was=JobStage.CREATED,
            to=JobStage.RUNNING,
            now=made.work.clock.now(),
            manager_job_id=uuid7(),
        )
    return job_id


async def received(made: Scene, job_id: UUID, answer: BatchResults | bytes, *, batch_id: UUID | None = None) -> UUID:
    """A batch that was fetched and kept, and nothing more; results tell of the files that the resources have."""
    if isinstance(answer, BatchResults) and answer.media_digest != OTHER_FILES:
        answer = replace(answer, media_digest=await _media_digest(made, answer))
    blob = answer if isinstance(answer, bytes) else answer.to_blob()
    digest = sha256(blob).hexdigest()
    await made.work.blobs.put(blob_key(digest), blob)
    async with made.work.db() as db:
        return await results_queries.note(
            db,
            ReceivedBatch(
                id=uuid7(),
                job_id=job_id,
                batch_id=batch_id or (uuid7() if isinstance(answer, bytes) else answer.batch_id),
                sha256=digest,
                size_bytes=len(blob),
                state=ReceivedState.KEPT,
                created_at=made.work.clock.now(),
            ),
        )


async def _media_digest(made: Scene, answer: BatchResults) -> str:
    rows = await made.sql("select id, stored_sha256 from resources")
    hashes = dict(tuple(row) for row in rows)
    return digest_of([hashes.get(resource_id, "") for resource_id in answer.ids], answer.seen)


async def applied(made: Scene, job_id: UUID, answer: BatchResults | bytes) -> UUID:
    """A batch that was kept, and applied if it may be."""
    received_id = await received(made, job_id, answer)
    await apply_batch(made.work, received_id)
    return received_id
