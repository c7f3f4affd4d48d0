"""A project whose species model said something about twelve animals, with logits and a small tree of taxa."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from expert.access.state import ClassificationRole
from tests.expert.outputs.test_logits import batch
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import column
from trapper_schemas.ids import uuid7

RED, ROE, BOAR, FOX, GRIFFIN = range(5)
"""Indexes of the labels of the species model."""
PICTURES = 6
RAW = 4.0
"""The logit of the best class, over those of the others from 0 to 3.5."""


def quantized(logits: NDArray[np.float16]) -> tuple[list[int], list[int]]:
    """The two best labels of each row and their scores as a worker sends them."""
    values = logits.astype(np.float64)
    finite = np.where(np.isfinite(values), values, -1e9)
    exponentials = np.exp(finite - finite.max(axis=1, keepdims=True))
    scores = exponentials / exponentials.sum(axis=1, keepdims=True)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    top = np.take_along_axis(scores, best, axis=1)
    return best.ravel().tolist(), np.round(top * 65535).astype(int).ravel().tolist()


async def add_logits(made: Scene, logits: NDArray[np.float16], **changes: Any) -> None:
    """A job whose batch holds two animals in each picture, with these logits."""
    labels, scores = quantized(logits)
    top = {"top_label": column("<u2", labels, 2), "top_score": column("<u2", scores, 2)}
    answer = replace(batch(made.resource_ids, logits), **{**top, **changes})
    await applied(made, await submitted(made), answer)


def logits_for(winners: list[int], second: list[int]) -> NDArray[np.float16]:
    """Logits whose best and second best classes are these."""
    values = np.tile(np.array([0.0, 0.1, 0.2, 0.3, 0.4]), (len(winners), 1))
    values[np.arange(len(winners)), second] = 3.5
    values[np.arange(len(winners)), winners] = RAW
    return values.astype("<f2")


WINNERS = [RED, RED, ROE, BOAR, FOX, FOX, FOX, FOX, GRIFFIN, RED, ROE, BOAR]
SECOND = [ROE, BOAR, RED, FOX, ROE, RED, BOAR, ROE, RED, ROE, RED, RED]


@pytest.fixture
async def herd(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Twelve animals; red deer and roe deer are in one family, and the griffin is no known taxon."""
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=PICTURES, classification_threshold=0.2)
        for name, rank, below in (
            ("Cervidae", "family", ("Cervus elaphus", "Capreolus capreolus")),
            ("Cervus", "genus", ("Cervus elaphus",)),
        ):
            above = made.taxa[name] = uuid7()
            await made.sql(
                "insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names)"
                " values (:id, :name, :name, :rank, :path, '{}')",
                id=above,
                name=name,
                rank=rank,
                path=f"/{above}/" if rank == "family" else f"/{made.taxa['Cervidae']}/{above}/",
            )
            for child in below:
                path = f"/{made.taxa['Cervidae']}/" + (f"{above}/" if rank == "genus" else "")
                await made.sql(
                    "update taxa set parent_id = :above, path = :path where id = :id",
                    above=above,
                    path=f"{path}{made.taxa[child]}/",
                    id=made.taxa[child],
                )
        await made.person("annotator", ClassificationRole.ANNOTATOR)
        await made.person("stranger", None)
        await add_logits(made, logits_for(WINNERS, SECOND))
        yield made
        assert await made.broken() == {}
