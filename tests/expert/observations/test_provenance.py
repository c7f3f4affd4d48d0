"""Replies say which algorithm made a label, what it was derived from, and what people made of it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from expert.access.state import ClassificationRole
from expert.occurrences.queries_determine import refresh_determinations
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import CLASSIFIER, DETECTOR, results
from trapper_schemas.ids import uuid7

OBSERVATIONS = "/api/observations/"
ROWS = "/api/media-classifications/classifications/"
MASK = (
    """insert into algorithms (id, key, name, version, kind, parameters, derived_from_id, created_at)
       select :mask, 'mask', 'class_masking', '1', 'post_processing', '{}', id, now() from algorithms
       where kind = 'classification'""",
    "update predictions set terminal = false",
    """insert into predictions (id, observation_id, algorithm_id, taxon_id, label, score, top_k, terminal,
         applied_to_id, rule, created_at)
       select :derived, p.observation_id, :mask, :taxon, 'wild boar', 0.6, '[]', true, p.id, 'masked', now()
       from predictions p join algorithms a on a.id = p.algorithm_id and a.kind = 'classification'""",
    """update observations set taxon_id = :taxon, label = 'wild boar', classification_confidence = 0.6
       where observation_type = 'animal' and classification_type = 'ai'""",
)


@pytest.fixture
async def masked(expert_database_url: str, tmp_path: Path) -> AsyncGenerator[Scene, None]:
    """A photo with an animal whose species a post-processing method changed, a blank one, and a broken one."""
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.person("annotator", ClassificationRole.ANNOTATOR)
        await made.person("stranger", None)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        values = {"mask": uuid7(), "derived": uuid7(), "taxon": made.taxa["Sus scrofa"]}
        for statement in MASK:
            await made.sql(statement, **{name: value for name, value in values.items() if f":{name}" in statement})
        ids = await made.sql("select occurrence_id from observations where label = 'wild boar'")
        async with made.work.db() as db:
            await refresh_determinations(db, [row.occurrence_id for row in ids])
        yield made
        assert await made.broken() == {}


async def _get(made: Scene, path: str, who: str = "owner", **filters: Any) -> Any:
    async with made.as_(who) as client:
        reply = await client.get(path, params=filters)
        assert reply.status_code == 200, reply.text
        return reply.json()


async def _animal(made: Scene) -> dict[str, Any]:
    (animal,) = (await _get(made, OBSERVATIONS, observation_type="animal", type="ai"))["items"]
    return animal


async def _forked(made: Scene, classification_id: str, who: str) -> dict[str, Any]:
    async with made.as_(who) as client:
        reply = await client.post(f"{ROWS}{classification_id}/fork/", headers={"Idempotency-Key": str(uuid7())})
        assert reply.status_code == 201, reply.text
        return reply.json()


async def test_replies_name_the_terminal_prediction_and_what_it_was_derived_from(masked: Scene) -> None:
    animal = await _animal(masked)
    terminal = animal["terminal_prediction"]
    assert (terminal["label"], terminal["score"], terminal["rule"]) == ("wild boar", 0.6, "masked")
    assert (terminal["algorithm"]["name"], terminal["algorithm"]["kind"]) == ("class_masking", "post_processing")
    assert set(terminal["algorithm"]) == {"id", "kind", "name", "version"}
    former = terminal["applied_to"]
    assert (former["algorithm"]["name"], former["label"]) == (CLASSIFIER.name, "red fox")
    assert former["score"] == pytest.approx(0.8, abs=1e-4)
    assert former["created_at"] < terminal["created_at"]
    assert animal["predictions"] is None
    detail = await _get(masked, f"{OBSERVATIONS}{animal['id']}/")
    assert detail["terminal_prediction"] == terminal
    made = {row["algorithm"]["name"]: row for row in detail["predictions"]}
    assert set(made) == {DETECTOR.name, CLASSIFIER.name, "class_masking"}
    assert [name for name, row in made.items() if row["terminal"]] == ["class_masking"]
    assert (made[CLASSIFIER.name]["applied_to"], made[CLASSIFIER.name]["rule"]) == (None, None)
    row = await _get(masked, f"{ROWS}{animal['classification_id']}/")
    assert row["dynamic_attrs"] == [detail]
    (blank,) = (await _get(masked, OBSERVATIONS, observation_type="blank"))["items"]
    assert blank["terminal_prediction"] is None


async def test_provenance_leads_from_models_over_methods_to_people(masked: Scene) -> None:
    animal = await _animal(masked)
    first = await _forked(masked, animal["classification_id"], "annotator")
    second = await _forked(masked, first["id"], "owner")
    async with masked.as_("owner") as client:
        await client.post(f"{ROWS}{second['id']}/approve/", headers={"If-Match": '"0"'})
    (copy,) = second["dynamic_attrs"]
    chain = await _get(masked, f"{OBSERVATIONS}{copy['id']}/provenance/")
    steps = chain["items"]
    names = [step["algorithm"] and step["algorithm"]["name"] for step in steps]
    assert names == [DETECTOR.name, CLASSIFIER.name, "class_masking", None, None, None]
    assert [step["kind"] for step in steps] == ["prediction"] * 3 + ["ai", "user", "user"]
    ids = [step["id"] for step in steps]
    assert [step["derived_from_id"] for step in steps] == [None, None, ids[1], ids[2], ids[3], ids[4]]
    assert ids[3:] == [animal["id"], first["dynamic_attrs"][0]["id"], copy["id"]]
    assert [step["terminal"] for step in steps] == [False, False, True, None, None, None]
    people = [masked.user_ids[name] for name in ("annotator", "owner")]
    assert [step["owner_id"] for step in steps] == [None] * 4 + [str(person) for person in people]
    assert [step["is_approved"] for step in steps] == [False] * 5 + [True]
    assert steps[5]["approved_by_id"] == str(masked.user_ids["owner"])
    assert await _get(masked, f"{OBSERVATIONS}{animal['id']}/provenance/") == {**chain, "observation_id": animal["id"]}


async def test_rows_are_filtered_by_an_algorithm_that_ran(masked: Scene) -> None:
    animal = await _animal(masked)
    algorithms = {row["name"]: row["id"] for row in (await _get(masked, "/api/algorithms/"))["items"]}
    for given in (DETECTOR.name, CLASSIFIER.name, "class_masking"):
        rows = (await _get(masked, OBSERVATIONS, algorithm_id=algorithms[given]))["items"]
        assert rows == [animal], given
    every = (await _get(masked, OBSERVATIONS, algorithm_id=list(algorithms.values())))["items"]
    assert every == [animal]
    rows = (await _get(masked, ROWS, algorithm_id=list(algorithms.values()), type="ai"))["items"]
    assert [row["id"] for row in rows] == [animal["classification_id"]]
    assert (await _get(masked, OBSERVATIONS, algorithm_id=str(uuid7())))["items"] == []


async def test_a_list_takes_the_same_number_of_statements_for_any_number_of_rows(masked: Scene) -> None:
    engine = masked.work.database.engine.sync_engine
    await _get(masked, OBSERVATIONS)  # which also notes that the token was used
    counted: list[int] = []
    for _ in range(2):
        statements: list[str] = []

        def note(*arguments: Any, statements: list[str] = statements) -> None:
            statements.append(arguments[2])

        event.listen(engine, "before_cursor_execute", note)
        await _get(masked, OBSERVATIONS)
        event.remove(engine, "before_cursor_execute", note)
        counted.append(len(statements))
        await _forked(masked, (await _animal(masked))["classification_id"], "owner")
        await _forked(masked, (await _animal(masked))["classification_id"], "annotator")
    assert counted[0] == counted[1]


async def test_a_stranger_sees_no_provenance(masked: Scene) -> None:
    animal = await _animal(masked)
    async with masked.as_("stranger") as client:
        for path in (f"{OBSERVATIONS}{animal['id']}/", f"{OBSERVATIONS}{animal['id']}/provenance/"):
            assert (await client.get(path)).status_code == 404
            assert (await client.get(path.replace(animal["id"], str(UUID(int=1))))).status_code == 404
