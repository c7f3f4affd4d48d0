"""People read which algorithms made predictions, with their labels, parameters and what they are derived from."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from expert.algorithms.models import Algorithm
from expert.algorithms.state import AlgorithmKind
from tests.support.make.expert_ai import SPECIES_LABELS, Scene, expert, scene
from tests.support.make.results import CLASSIFIER, DETECTOR
from trapper_schemas.ids import uuid7

ALGORITHMS = "/api/algorithms/"


@pytest.fixture
async def made(expert_database_url: str, tmp_path: Path) -> AsyncGenerator[Scene, None]:
    async with expert(expert_database_url, tmp_path) as work:
        yield await scene(work)


async def _listed(made: Scene, **filters: Any) -> list[dict[str, Any]]:
    async with made.as_("owner") as client:
        reply = await client.get(ALGORITHMS, params=filters)
        assert reply.status_code == 200, reply.text
        return reply.json()["items"]


async def test_algorithms_are_listed_and_filtered(made: Scene) -> None:
    detector, classifier = await _listed(made)
    assert (detector["name"], detector["version"], detector["kind"]) == (DETECTOR.name, DETECTOR.version, "detection")
    assert (classifier["sha256"], classifier["label_count"]) == (CLASSIFIER.sha256, len(SPECIES_LABELS))
    assert classifier["derived_from"] is None
    assert await _listed(made, kind="classification") == [classifier]
    assert await _listed(made, kind=["classification", "detection"]) == [detector, classifier]
    assert await _listed(made, sha256=DETECTOR.sha256) == [detector]
    assert await _listed(made, name=CLASSIFIER.name[1:].upper()) == [classifier]
    assert await _listed(made, id=detector["id"]) == [detector]


async def test_algorithm_names_what_it_is_derived_from(made: Scene) -> None:
    _, classifier = await _listed(made)
    async with made.work.db() as db:
        masked = Algorithm(
            key="post_processing:class_masking:1",
            name="class_masking",
            version="1",
            kind=AlgorithmKind.POST_PROCESSING,
            derived_from_id=classifier["id"],
            parameters={"reweight": True},
        )
        db.add(masked)
    (row,) = await _listed(made, derived_from_id=classifier["id"])
    assert row["id"] == str(masked.id)
    assert row["parameters"] == {"reweight": True}
    assert row["derived_from"] == {name: classifier[name] for name in ("id", "kind", "name", "version")}
    assert (row["sha256"], row["label_count"]) == (None, 0)


async def test_labels_are_listed_in_index_order_with_their_taxa(made: Scene) -> None:
    detector, classifier = await _listed(made)
    path = f"{ALGORITHMS}{classifier['id']}/"
    async with made.as_("owner") as client:
        detail = (await client.get(path)).json()
        first = (await client.get(f"{path}labels/", params={"limit": 3})).json()
        second = (await client.get(f"{path}labels/", params={"limit": 3, "cursor": first["next_cursor"]})).json()
        deer = (await client.get(f"{path}labels/", params={"name": "DEER"})).json()
        bench = (await client.get(f"{ALGORITHMS}{detector['id']}/labels/", params={"name": "bench"})).json()
        missing = [await client.get(f"{ALGORITHMS}{uuid7()}/{part}") for part in ("", "labels/")]
    assert [label["label"] for label in detail["labels"]] == [label.label for label in SPECIES_LABELS]
    assert first["items"] + second["items"] == detail["labels"]
    assert [label["index"] for label in detail["labels"]] == [0, 1, 2, 3, 4]
    assert [label["label"] for label in deer["items"]] == ["red deer", "roe deer"]
    boar = detail["labels"][2]
    assert (boar["scientific_name"], boar["taxon_id"]) == ("Sus scrofa", str(made.taxa["Sus scrofa"]))
    assert [(label["observation_type"], label["taxon_id"]) for label in bench["items"]] == [(None, None)]
    assert [reply.status_code for reply in missing] == [404, 404]
