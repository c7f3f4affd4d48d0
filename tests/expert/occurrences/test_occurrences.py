"""Occurrences follow what models and people say, by the same rule in SQL and in Python."""

import random
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from expert.access.state import ClassificationRole
from expert.classification_projects.models import LinkedCollection
from expert.collections.models import Collection
from expert.occurrences.queries_determine import refresh_determinations
from expert.occurrences.state import (
    ApprovedObservation,
    StandingIdentification,
    TerminalPrediction,
    determine,
)
from tests.support.make.expert_ai import Scene, applied, asked_again, expert, scene, submitted
from tests.support.make.results import column, results, seen
from trapper_schemas.ids import uuid7

OCCURRENCES = "/api/occurrences/"
ROWS = "/api/media-classifications/classifications/"
AT = datetime(2026, 5, 1, tzinfo=UTC)


def photos(made: Scene, *, left: tuple[int, ...] = (6553, 6553, 6553), **changes: Any) -> Any:
    """One fox on each of three photos."""
    columns: dict[str, Any] = {
        "outcomes": (seen(), seen(), seen()),
        "resource_index": (0, 1, 2),
        "classified_rows": (0, 1, 2),
        "frame_index": column("<u4", [0, 0, 0]),
        "box": column("<u2", [side for x in left for side in (x, 13107, 19660, 26214)], 4),
        "label": column("<u2", [0, 0, 0]),
        "score": column("<u2", [58981, 58981, 58981]),
        "top_label": column("<u2", [3, 1, 3, 1, 3, 1], 2),
        "top_score": column("<u2", [52428, 6553, 52428, 6553, 45874, 6553], 2),
    }
    values: dict[str, Any] = {"batch_id": uuid7(), "resource_ids": made.resource_ids, **columns, **changes}
    return results(**values)


@pytest.fixture
async def foxes(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.person("annotator", ClassificationRole.ANNOTATOR)
        await made.person("viewer", ClassificationRole.VIEWER)
        await made.person("stranger", None)
        await applied(made, await submitted(made), photos(made))
        yield made
        assert await made.broken() == {}


async def call(made: Scene, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    async with made.as_(who) as client:
        return await client.request(method, path, json=body, headers={"Idempotency-Key": str(uuid7()), **headers})


async def listed(made: Scene, **filters: Any) -> list[dict[str, Any]]:
    async with made.as_("owner") as client:
        answer = await client.get(OCCURRENCES, params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def identified(made: Scene, *items: dict[str, Any], who: str = "annotator") -> list[dict[str, Any]]:
    answer = await call(made, who, "POST", f"{OCCURRENCES}identifications/", {"items": list(items)})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def determination(made: Scene, occurrence_id: str) -> tuple[str | None, float | None, str] | None:
    answer = await call(made, "owner", "GET", f"{OCCURRENCES}{occurrence_id}/")
    assert answer.status_code == 200, answer.text
    reply = answer.json()["determination"]
    return reply and (reply["taxon"] and reply["taxon"]["scientific_name"], reply["score"], reply["source"])


async def ai_row(made: Scene, resource: int = 0) -> str:
    rows = await made.sql(
        "select id from classifications where type = 'ai' and superseded_by_id is null and resource_id = :r",
        r=made.resource_ids[resource],
    )
    return str(rows[0][0])


@contextmanager
def statements(made: Scene) -> Generator[list[str]]:
    """The statements that run meanwhile; COPY is none of SQLAlchemy's and not among them."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ran.append(statement)

    engine = made.work.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_each_new_object_begins_an_occurrence_with_the_taxon_of_its_model(foxes: Scene) -> None:
    rows = await listed(foxes)
    assert len(rows) == 3
    scores = [round(row["determination"]["score"], 2) for row in rows]
    assert (sorted(scores), {row["resource_count"] for row in rows}) == ([0.7, 0.8, 0.8], {1})
    assert {row["determination"]["taxon"]["scientific_name"] for row in rows} == {"Vulpes vulpes"}
    assert {row["determination"]["source"] for row in rows} == {"prediction"}
    assert {row["best_resource_id"] for row in rows} == {str(each) for each in foxes.resource_ids}
    detail = (await call(foxes, "viewer", "GET", f"{OCCURRENCES}{rows[0]['id']}/")).json()
    assert [each["occurrence_id"] for each in detail["observations"]] == [rows[0]["id"]]
    assert len(detail["observations"][0]["predictions"]) == 2
    (step,) = detail["chain"]
    species = next(p for p in detail["observations"][0]["predictions"] if p["taxon_id"])
    assert (step["id"], step["algorithm"], step["terminal"]) == (species["id"], species["algorithm"], True)
    assert (await call(foxes, "stranger", "GET", f"{OCCURRENCES}{rows[0]['id']}/")).status_code == 404
    async with foxes.as_("stranger") as client:
        assert (await client.get(OCCURRENCES)).json()["items"] == []


async def test_one_identification_of_a_person_stands_and_withdrawing_restores_the_former(foxes: Scene) -> None:
    occurrence_id = (await listed(foxes))[0]["id"]
    boar, deer = str(foxes.taxa["Sus scrofa"]), str(foxes.taxa["Cervus elaphus"])
    (first,) = await identified(foxes, {"occurrence_id": occurrence_id, "taxon_id": boar})
    assert await determination(foxes, occurrence_id) == ("Sus scrofa", None, "identification")
    assert (await call(foxes, "owner", "GET", f"{OCCURRENCES}{occurrence_id}/")).json()["chain"] == []
    (again,) = await identified(foxes, {"occurrence_id": occurrence_id, "taxon_id": boar})
    assert again["identification_id"] == first["identification_id"]
    (second,) = await identified(foxes, {"occurrence_id": occurrence_id, "taxon_id": deer, "comment": "antlers"})
    assert await determination(foxes, occurrence_id) == ("Cervus elaphus", None, "identification")
    path = f"{OCCURRENCES}identifications/withdraw/"
    ids = [first["identification_id"], second["identification_id"]]
    answer = await call(foxes, "annotator", "POST", path, {"identification_ids": ids})
    problems = [item["problem"] and item["problem"]["type"] for item in answer.json()["items"]]
    assert problems == ["identification-ended", None]
    assert await determination(foxes, occurrence_id) == ("Sus scrofa", None, "identification")
    answer = await call(foxes, "owner", "POST", path, {"identification_ids": ids[:1]})
    assert answer.json()["items"][0]["problem"]["type"] == "not-found"
    await call(foxes, "annotator", "POST", path, {"identification_ids": ids[:1]})
    taxon, score, source = await determination(foxes, occurrence_id) or (None, None, "")
    assert (taxon, score is not None, source) == ("Vulpes vulpes", True, "prediction")


async def test_people_agree_with_a_prediction_and_with_a_person_and_each_item_is_refused_alone(foxes: Scene) -> None:
    first, second, third = [row["id"] for row in await listed(foxes)]
    detail = (await call(foxes, "owner", "GET", f"{OCCURRENCES}{first}/")).json()
    fox = next(p["id"] for p in detail["observations"][0]["predictions"] if p["taxon_id"])
    detected = next(p["id"] for p in detail["observations"][0]["predictions"] if not p["taxon_id"])
    (agreed,) = await identified(foxes, {"occurrence_id": first, "prediction_id": fox}, who="owner")
    boar = str(foxes.taxa["Sus scrofa"])
    replies = await identified(
        foxes,
        {"occurrence_id": first, "agreed_with_id": agreed["identification_id"]},
        {"occurrence_id": first, "taxon_id": boar},
        {"occurrence_id": second, "prediction_id": fox},
        {"occurrence_id": third, "taxon_id": str(uuid7())},
        {"occurrence_id": str(uuid7()), "taxon_id": boar},
    )
    types = [reply["problem"] and (reply["problem"]["type"], reply["problem"]["detail"]) for reply in replies]
    assert types == [
        None,
        ("identification-refused", "the occurrence is named twice: give one identification for each"),
        ("identification-refused", "the prediction is of no observation of this occurrence"),
        ("identification-refused", "there is no such taxon"),
        ("not-found", "there is no such occurrence, or none that you may see"),
    ]
    assert await determination(foxes, first) == ("Vulpes vulpes", None, "identification")
    detail = (await call(foxes, "owner", "GET", f"{OCCURRENCES}{first}/")).json()
    assert [step["id"] for step in detail["chain"]] == [fox]
    own, untyped = (
        {"occurrence_id": first, "agreed_with_id": agreed["identification_id"]},
        {"occurrence_id": first, "prediction_id": detected},
    )
    for item, sentence in ((own, "the identification is your own"), (untyped, "the prediction names no taxon")):
        (reply,) = await identified(foxes, item, who="owner")
        assert reply["problem"]["detail"].startswith(sentence)
    for who, status in (("viewer", "forbidden"), ("stranger", "not-found")):
        (reply,) = await identified(foxes, {"occurrence_id": first, "taxon_id": boar}, who=who)
        assert reply["problem"]["type"] == status
    two = {"occurrence_id": first, "taxon_id": boar, "prediction_id": fox}
    refused = await call(foxes, "owner", "POST", f"{OCCURRENCES}identifications/", {"items": [two]})
    assert refused.status_code == 422


async def test_approval_speaks_before_predictions_and_a_new_box_begins_an_occurrence(foxes: Scene) -> None:
    occurrence_id = (await listed(foxes, resource_id=str(foxes.resource_ids[0])))[0]["id"]
    row = (await call(foxes, "owner", "POST", f"{ROWS}{await ai_row(foxes)}/fork/")).json()
    kept = {**row["dynamic_attrs"][0], "taxon_id": str(foxes.taxa["Sus scrofa"])}
    kept = {name: kept[name] for name in ("id", "observation_type", "observation_level", "taxon_id", "bbox")}
    drawn = {"observation_type": "animal", "bbox": [0.6, 0.6, 0.2, 0.2], "taxon_id": str(foxes.taxa["Cervus elaphus"])}
    version = {"If-Match": f'"{row["version"]}"'}
    edited = await call(foxes, "owner", "PATCH", f"{ROWS}{row['id']}/", {"dynamic_attrs": [kept, drawn]}, **version)
    assert edited.status_code == 200, edited.text
    assert (await determination(foxes, occurrence_id) or (None, None, None))[2] == "prediction"
    version = {"If-Match": f'"{edited.json()["version"]}"'}
    approved = await call(foxes, "owner", "POST", f"{ROWS}{row['id']}/approve/", **version)
    assert approved.status_code == 200, approved.text
    assert await determination(foxes, occurrence_id) == ("Sus scrofa", None, "approval")
    chain = (await call(foxes, "owner", "GET", f"{OCCURRENCES}{occurrence_id}/")).json()["chain"]
    assert [step["kind"] for step in chain] == ["prediction", "ai", "user"]
    assert [step["derived_from_id"] for step in chain] == [None, chain[0]["id"], chain[1]["id"]]
    both = await listed(foxes, resource_id=str(foxes.resource_ids[0]))
    assert [each["determination"]["source"] for each in both] == ["approval", "approval"]
    (drawn_reply,) = [each for each in both if each["id"] != occurrence_id]
    assert drawn_reply["determination"]["taxon"]["scientific_name"] == "Cervus elaphus"
    present = (await call(foxes, "owner", "GET", f"{ROWS}{row['id']}/")).json()
    version = {"If-Match": f'"{present["version"]}"'}
    taken_back = await call(foxes, "owner", "POST", f"{ROWS}{row['id']}/unapprove/", **version)
    assert taken_back.status_code == 200, taken_back.text
    assert (await determination(foxes, occurrence_id) or (None, None, None))[2] == "prediction"
    assert [row["id"] for row in await listed(foxes, resource_id=str(foxes.resource_ids[0]))] == [occurrence_id]


async def test_newer_ai_run_joins_what_it_matches_and_leaves_what_a_person_identified(foxes: Scene) -> None:
    ids = {row["best_resource_id"]: row["id"] for row in await listed(foxes)}
    matched, unmatched, gone = [ids[str(each)] for each in foxes.resource_ids]
    boar = str(foxes.taxa["Sus scrofa"])
    await identified(foxes, *({"occurrence_id": each, "taxon_id": boar} for each in (matched, unmatched)))
    await applied(foxes, await asked_again(foxes), photos(foxes, left=(6600, 45000, 45000)))
    assert await determination(foxes, matched) == ("Sus scrofa", None, "identification")
    assert await determination(foxes, unmatched) == ("Sus scrofa", None, "identification")
    assert await determination(foxes, gone) is None
    assert [row["id"] for row in await listed(foxes, unmatched=True)] == [unmatched]
    rows = await listed(foxes)
    assert len(rows) == 4
    assert gone not in {row["id"] for row in rows}
    detail = (await call(foxes, "owner", "GET", f"{OCCURRENCES}{matched}/")).json()
    assert [each["is_current"] for each in detail["observations"]] == [False, True]
    assert (detail["observation_count"], detail["resource_count"]) == (1, 1)


async def test_list_is_narrowed_by_filters(foxes: Scene) -> None:
    first, second, third = [row["id"] for row in await listed(foxes)]
    await foxes.sql("update observations set captured_at = :at where occurrence_id = :id", at=AT, id=UUID(first))
    await foxes.sql("update resources set captured_at = :at, time_override = :at where id in"
                    " (select resource_id from observations where captured_at = :at)", at=AT)  # fmt: skip
    await identified(foxes, {"occurrence_id": second, "taxon_id": str(foxes.taxa["Sus scrofa"])})
    species = await foxes.sql("select id from algorithms where kind = 'classification'")
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({"identified": True}, {second}),
        ({"identified": False}, {first, third}),
        ({"source": "identification"}, {second}),
        ({"taxon_id": str(foxes.taxa["Vulpes vulpes"])}, {first, third}),
        ({"max_score": 0.75}, {third}),
        ({"algorithm_id": str(species[0][0])}, {first, second, third}),
        ({"algorithm_id": str(uuid7())}, set()),
        ({"observation_type": "human"}, set()),
        ({"captured_from": AT.isoformat(), "captured_until": (AT + timedelta(seconds=1)).isoformat()}, {first}),
        ({"classification_project_id": str(foxes.project_id), "id": [first, third]}, {first, third}),
        ({"linked_collection_id": str(foxes.linked_collection_id)}, {first, second, third}),
        ({"deployment_id": str(uuid7())}, set()),
        ({"sequence_id": str(uuid7())}, set()),
    ]
    for filters, ids in expected:
        assert {row["id"] for row in await listed(foxes, **filters)} == ids, filters
    async with foxes.as_("owner") as client:
        page = (await client.get(OCCURRENCES, params={"limit": 2})).json()
        rest = (await client.get(OCCURRENCES, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [row["id"] for row in page["items"] + rest["items"]] == [first, second, third]


async def test_what_a_caller_may_not_see_of_an_occurrence_is_neither_shown_nor_counted(foxes: Scene) -> None:
    first, second, third = [row["id"] for row in await listed(foxes)]
    _, hidden, seen_id = foxes.resource_ids
    collection = Collection(id=uuid7(), research_project_id=foxes.research_project_id, name="closed")
    closed = LinkedCollection(id=uuid7(), classification_project_id=foxes.project_id, collection_id=collection.id)
    async with foxes.work.db() as db:
        db.add(collection)
        await db.flush()
        db.add(closed)
    for table in ("linked_collection_resources", "job_resources", "classifications", "observations"):
        await foxes.sql(f"update {table} set linked_collection_id = :l where resource_id = :r", l=closed.id, r=hidden)  # noqa: S608

    async def shown(**filters: Any) -> list[str]:
        async with foxes.as_("viewer") as client:
            return [row["id"] for row in (await client.get(OCCURRENCES, params=filters)).json()["items"]]

    assert await shown() == [first, third]
    await foxes.sql("update observations set occurrence_id = :id where resource_id = :r", id=UUID(third), r=hidden)
    await foxes.sql("delete from occurrences where id = :id", id=UUID(second))
    async with foxes.work.db() as db:
        await refresh_determinations(db, [UUID(third)])
    detail = (await call(foxes, "viewer", "GET", f"{OCCURRENCES}{third}/")).json()
    assert [each["resource_id"] for each in detail["observations"]] == [str(seen_id)]
    assert (detail["resource_count"], detail["best_resource_id"]) == (1, str(seen_id))
    assert await shown(resource_id=str(hidden)) == []


async def test_wrong_determination_is_seen_by_the_invariants_and_computed_again(foxes: Scene) -> None:
    first, second, _ = [row["id"] for row in await listed(foxes)]
    await foxes.sql("update occurrences set determination_score = 0.0 where id = :id", id=UUID(first))
    assert list(await foxes.broken()) == ["the determination of an occurrence is what the rule gives"]
    body = {"occurrence_ids": [first, second, str(uuid7())]}
    answer = await call(foxes, "annotator", "POST", f"{OCCURRENCES}recompute", body)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [(item["changed"], item["problem"] is None) for item in items] == [
        (True, True),
        (False, True),
        (False, False),
    ]


async def test_number_of_statements_does_not_grow_with_the_rows(foxes: Scene) -> None:
    ids = [row["id"] for row in await listed(foxes)]
    boar = str(foxes.taxa["Sus scrofa"])
    with statements(foxes) as single:
        await identified(foxes, {"occurrence_id": ids[0], "taxon_id": boar}, who="owner")
    with statements(foxes) as several:
        await identified(foxes, *({"occurrence_id": each, "taxon_id": boar} for each in ids[1:]), who="owner")
    assert len(several) == len(single)
    with statements(foxes) as listing:
        await listed(foxes, limit=1)
    with statements(foxes) as longer:
        await listed(foxes)
    assert len(longer) == len(listing)


async def test_record_writes_in_as_many_statements_for_many_resources_as_for_few(
    expert_database_url: str, tmp_path: Path
) -> None:
    counts: list[int] = []
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=12)
        job_id = await submitted(made)
        for part in (made.resource_ids[:3], made.resource_ids[3:12]):
            n = len(part)
            answer = photos(
                made,
                resource_ids=part,
                outcomes=tuple(seen() for _ in part),
                resource_index=tuple(range(n)),
                classified_rows=tuple(range(n)),
                frame_index=column("<u4", [0] * n),
                box=column("<u2", [6553, 13107, 19660, 26214] * n, 4),
                label=column("<u2", [0] * n),
                score=column("<u2", [58981] * n),
                top_label=column("<u2", [3, 1] * n, 2),
                top_score=column("<u2", [52428, 6553] * n, 2),
            )
            with statements(made) as ran:
                await applied(made, job_id, answer)
            counts.append(len(ran))
        assert len(await made.sql("select id from occurrences")) == 12
    assert counts[0] == counts[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
async def test_rule_in_sql_is_the_rule_in_python(foxes: Scene, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the rows of a test
    (occurrence_id,) = (await foxes.sql("select min(id::text)::uuid from occurrences"))[0]
    await foxes.sql("delete from identifications")
    await foxes.sql("update observations set occurrence_id = :id where occurrence_id is not null", id=occurrence_id)
    taxa = [*list(foxes.taxa.values())[:2], None]
    predictions: list[TerminalPrediction] = []
    approved: list[ApprovedObservation] = []
    rows = await foxes.sql(
        "select o.id, p.id, o.resource_id, o.classification_id from observations o"
        " join predictions p on p.observation_id = o.id and p.terminal"
    )
    for observation_id, prediction_id, resource_id, classification_id in rows:
        taxon_id, score, is_current = dice.choice(taxa), dice.choice([0.0, 0.5, 0.5, 1.0]), dice.random() < 0.7
        approved_at = AT + timedelta(seconds=dice.randint(0, 1)) if dice.random() < 0.3 else None
        await foxes.sql(
            "update predictions set taxon_id = :t, score = :s where id = :id", t=taxon_id, s=score, id=prediction_id
        )
        await foxes.sql(
            "update observations set taxon_id = :t, classification_confidence = :s, is_current = :c where id = :id",
            t=taxon_id, s=score, c=is_current, id=observation_id,
        )  # fmt: skip
        await foxes.sql(
            "update classifications set is_approved = :is_approved, approved_at = :at,"
            " source_classification_id = case when :is_approved then cast(:source as uuid) end"
            " where type = 'final' and resource_id = :r",
            is_approved=approved_at is not None, at=approved_at, source=classification_id, r=resource_id,
        )  # fmt: skip
        if is_current:
            predictions.append(TerminalPrediction(prediction_id, taxon_id, score))
        if approved_at is not None:
            approved.append(ApprovedObservation(observation_id, taxon_id, score, approved_at))
    standing: list[StandingIdentification] = []
    for who in ("owner", "annotator"):
        if dice.random() < 0.4:
            identification = StandingIdentification(uuid7(), dice.choice(taxa[:2]) or uuid7(), AT)
            is_withdrawn = dice.random() < 0.3
            await foxes.sql(
                "insert into identifications (id, occurrence_id, created_by, taxon_id, created_at, withdrawn_at)"
                " values (:id, :o, :by, :t, :at, :withdrawn)",
                id=identification.id, o=occurrence_id, by=foxes.user_ids[who], t=identification.taxon_id, at=AT,
                withdrawn=AT if is_withdrawn else None,
            )  # fmt: skip
            standing += [] if is_withdrawn else [identification]
    async with foxes.work.db() as db:
        await refresh_determinations(db, [occurrence_id])
    ((taxon_id, score, source),) = await foxes.sql(
        "select determination_taxon_id, determination_score, determination_source from occurrences where id = :id",
        id=occurrence_id,
    )
    expected = determine(standing, approved, predictions)
    stored = None if source is None else (taxon_id, score, source)
    assert stored == (expected and (expected.taxon_id, expected.score, expected.source.value))
    await _restore(foxes)


async def _restore(made: Scene) -> None:
    """Rows as the invariants want them: every observation current in an occurrence of its own."""
    await made.sql("delete from identifications")
    await made.sql(
        "update classifications set is_approved = false, approved_at = null, source_classification_id = null"
        " where type = 'final'"
    )
    await made.sql("update observations set is_current = true, occurrence_id = id where observation_level = 'object'")
    async with made.work.db() as db:
        rows = await made.sql("select id from occurrences")
        await refresh_determinations(db, [row[0] for row in rows])
