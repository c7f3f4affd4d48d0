"""Statements about where the outputs behind predictions lie, and about embeddings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, Uuid, column, exists, func, literal, select, table, text

from expert.classification_projects.models import ClassificationProject
from expert.classifications.models import Classification
from expert.observations.models import Observation, Prediction
from expert.observations.queries_copy import copy_binary
from expert.outputs.models import Embedding
from expert.providers.models import AiProvider
from trapper_kit.db import Session

# What is needed of the table above, by name.
batches = table(
    "received_batches",
    column("id", Uuid),
    column("sha256"),
    column("logits_algorithm_id", Uuid),
    column("features_algorithm_id", Uuid),
)


@dataclass(frozen=True)
class LogitsBatch:
    """A blob, with the predictions whose logits it holds and their rows there, in the blob's order."""

    sha256: str
    algorithm_id: UUID
    prediction_ids: list[UUID] = field(default_factory=list[UUID])
    output_rows: list[int] = field(default_factory=list[int])


async def logits_batches(db: Session, prediction_ids: Sequence[UUID]) -> list[LogitsBatch]:
    """The blobs that hold the logits of these predictions, in the order in which they came."""
    statement = (
        select(batches.c.id, batches.c.sha256, Prediction.algorithm_id, Prediction.id, Prediction.output_row)
        .join(Observation, Observation.id == Prediction.observation_id)
        .join(Classification, Classification.id == Observation.classification_id)
        .join(batches, batches.c.id == Classification.received_batch_id)
        .where(
            Prediction.id == func.any(literal(list(prediction_ids), ARRAY(Uuid))),
            Prediction.output_row.is_not(None),
            Prediction.algorithm_id == batches.c.logits_algorithm_id,
        )
        .order_by(batches.c.id, Prediction.output_row)
    )
    found: defaultdict[UUID, list[tuple[str, UUID, UUID, int]]] = defaultdict(list)
    for row in await db.execute(statement):
        found[row[0]].append((row[1], row[2], row[3], row[4] or 0))
    return [
        LogitsBatch(places[0][0], places[0][1], [place[2] for place in places], [place[3] for place in places])
        for places in found.values()
    ]


async def can_store_vectors(db: Session) -> bool:
    """Whether the database has the type of half-precision vectors."""
    return await db.scalar(text("select to_regtype('halfvec') is not null")) is True


async def without_embedding(db: Session, received_batch_id: UUID, algorithm_id: UUID) -> list[tuple[UUID, int]]:
    """Current objects of a batch that have no embedding of this algorithm, and their rows in the batch's features."""
    statement = (
        select(Observation.id, func.min(Prediction.output_row))
        .join(Classification, Classification.id == Observation.classification_id)
        .join(Prediction, Prediction.observation_id == Observation.id)
        .where(
            Classification.received_batch_id == received_batch_id,
            Classification.superseded_by_id.is_(None),
            Prediction.output_row.is_not(None),
            Prediction.applied_to_id.is_(None),
            ~exists().where(Embedding.algorithm_id == algorithm_id, Embedding.observation_id == Observation.id),
        )
        .group_by(Observation.id)
        .order_by(Observation.id)
    )
    return [(row[0], row[1] or 0) for row in await db.execute(statement)]


async def copy_embeddings(
    db: Session, algorithm_id: UUID, observation_ids: Sequence[UUID], features: NDArray[np.float16]
) -> None:
    """Write one vector for each observation, as a binary COPY whose rows are one array."""
    dimension = features.shape[1]
    rows = np.zeros(
        len(observation_ids),
        dtype=[
            ("columns", ">i2"), ("size_1", ">i4"), ("algorithm", "V16"), ("size_2", ">i4"), ("observation", "V16"),
            ("size_3", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f2", (dimension,)),
        ],
    )  # fmt: skip
    rows["columns"], rows["size_1"], rows["size_2"], rows["size_3"] = 3, 16, 16, 4 + 2 * dimension
    rows["algorithm"] = np.frombuffer(algorithm_id.bytes, dtype="V16")
    rows["observation"] = np.frombuffer(b"".join(each.bytes for each in observation_ids), dtype="V16")
    rows["dimension"], rows["vector"] = dimension, features
    await copy_binary(db, "embeddings", ("algorithm_id", "observation_id", "vector"), rows.tobytes())


@dataclass(frozen=True)
class FeaturesBatch:
    """A batch whose blob holds features, with where the blob lies."""

    id: UUID
    sha256: str


def _behind(project_id: UUID, algorithm_id: UUID):  # noqa: ANN202 - a statement, whose type says nothing
    """Batches behind the current AI rows of a project whose blobs hold this algorithm's features."""
    rows = exists().where(
        Classification.received_batch_id == batches.c.id,
        Classification.classification_project_id == project_id,
        Classification.superseded_by_id.is_(None),
    )
    return select(batches.c.id, batches.c.sha256).where(batches.c.features_algorithm_id == algorithm_id, rows)


async def count_features_batches(db: Session, project_id: UUID, algorithm_id: UUID) -> int:
    """The number of batches that a back-fill reads."""
    return (
        await db.execute(select(func.count()).select_from(_behind(project_id, algorithm_id).subquery()))
    ).scalar_one()


async def next_features_batch(
    db: Session, project_id: UUID, algorithm_id: UUID, after: UUID | None
) -> FeaturesBatch | None:
    """The first batch with features after this id."""
    statement = _behind(project_id, algorithm_id).order_by(batches.c.id).limit(1)
    if after is not None:
        statement = statement.where(batches.c.id > after)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else FeaturesBatch(row[0], row[1])


async def embedding_algorithm_of(db: Session, project_id: UUID) -> UUID | None:
    """The algorithm of a project's embedding model."""
    statement = (
        select(AiProvider.algorithm_id)
        .join(ClassificationProject, ClassificationProject.embedding_ai_model_id == AiProvider.id)
        .where(ClassificationProject.id == project_id)
    )
    return await db.scalar(statement)
