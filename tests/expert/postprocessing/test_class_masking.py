"""Class masking over stored logits: what it writes, what it leaves, and how it is undone."""

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from expert.media_store import blob_key
from expert.observations.state import ObservationType
from expert.operations import queries as operations
from expert.operations.models import Operation
from expert.operations.register import KINDS
from expert.operations.run import run_operation
from expert.postprocessing.find_source import Source
from expert.postprocessing.queries_algorithms import KnownAlgorithm, MapLabel
from expert.postprocessing.queries_selection import Row, Selection
from expert.postprocessing.run_class_masking import MaskingConfig, MaskingPlan
from expert.postprocessing.state import RUN, UNDO, RunScope
from tests.expert.occurrences.test_crashes import die_everywhere
from tests.expert.occurrences.test_occurrences import call, statements
from tests.expert.postprocessing.conftest import SECOND, WINNERS, add_logits, logits_for
from tests.support.make.expert_ai import SPECIES_LABELS, Scene, expert, scene
from tests.support.make.postprocessing import algorithm_of, ended, get, labels_of, post, run, stored, taxa_list, undo
from trapper_schemas.ids import uuid7

LABELS = [label.label for label in SPECIES_LABELS]
MASK = "class_masking"


async def deer(made: Scene, *names: str, **changes: Any) -> dict[str, Any]:
    """The settings that keep these taxa, the family of deer when none are named."""
    return {
        "algorithm_id": await algorithm_of(made),
        "taxa_list_id": await taxa_list(made, *(names or ("Cervidae",))),
        **changes,
    }


def expected(kept: set[int]) -> list[str]:
    """The label of each animal: the best one where it is kept, else the second best, else the last of the kept."""
    rest = max(kept)  # the others have rising logits
    return [
        LABELS[winner if winner in kept else second if second in kept else rest]
        for winner, second in zip(WINNERS, SECOND, strict=True)
    ]


async def test_masking_gives_each_animal_the_best_kept_class_and_says_where_it_came_from(herd: Scene) -> None:
    operation = await run(herd, MASK, await deer(herd))
    assert await labels_of(herd) == expected({0, 1})
    counters = operation["counters"]
    changed = sum(label not in {0, 1} for label in WINNERS)
    assert (operation["total"], operation["done"]) == (12, 12)
    assert (counters["checked"], counters["changed"], counters["unchanged"]) == (12, changed, 12 - changed)
    assert counters["determinations_changed"] == counters["taxa_changed"] == changed
    detail = await get(herd, f"/api/postprocessing/runs/{operation['id']}/")
    pairs = {(pair["before"], pair["after"]): pair["count"] for pair in detail["report"]["pairs"]}
    assert pairs["red fox", "roe deer"] == 3
    assert detail["report"]["facts"]["kept_labels"] == 2
    assert detail["report"]["facts"]["labels_without_taxon"] == 0
    items = (await get(herd, "/api/observations/", algorithm_id=detail["report"]["facts"]["output_algorithm_id"]))[
        "items"
    ]
    assert len(items) == changed
    for item in items:
        prediction = item["terminal_prediction"]
        assert "masked to Cervidae, reweighted" in prediction["algorithm"]["name"]
        assert prediction["applied_to"]["algorithm"]["id"] == await algorithm_of(herd)
        assert prediction["score"] == pytest.approx(item["classification_confidence"])
    scores = await herd.sql(
        "select sum((t->>'score')::float) from predictions p, jsonb_array_elements(p.top_k) t"
        " where p.applied_to_id is not null group by p.id"
    )
    assert all(total == pytest.approx(1, abs=1e-6) for (total,) in scores)


async def test_a_second_run_writes_nothing_and_a_dry_run_tells_what_a_run_does(herd: Scene) -> None:
    config, before = await deer(herd), await stored(herd)
    scope = {"linked_collection_id": str(herd.linked_collection_id)}
    dry = (await post(herd, f"{MASK}/dry_run/", {"scope": scope, "config": config})).json()
    whole = await run(herd, MASK, config, dry_run=True)
    assert await stored(herd) == before
    real = await run(herd, MASK, config)
    detail = await get(herd, f"/api/postprocessing/runs/{real['id']}/")
    for name in ("changed", "unchanged", "checked", "determinations_changed"):
        assert dry["counters"][name] == whole["counters"][name] == real["counters"][name]
    assert (dry["total"], dry["pairs"], dry["examples"]) == (
        12,
        detail["report"]["pairs"],
        detail["report"]["examples"],
    )
    masked = await stored(herd)
    again = await run(herd, MASK, config)
    assert again["counters"]["unchanged"] == 12
    assert await stored(herd) == masked


async def test_undo_restores_every_row_byte_for_byte(herd: Scene) -> None:
    before = await stored(herd)
    first = await run(herd, MASK, await deer(herd))
    second = await run(herd, MASK, await deer(herd, "Sus scrofa"))
    refused = await post(herd, f"runs/{first['id']}/undo/", {})
    assert (refused.status_code, refused.json()["run_ids"]) == (409, [second["id"]])
    assert (await undo(herd, first["id"], cascade=True))["counters"]["runs"] == 2
    assert await stored(herd) == before
    assert (await post(herd, f"runs/{first['id']}/undo/", {})).status_code == 409
    assert await herd.sql("select 1 from prediction_changes union select 1 from determination_changes") == []


async def test_a_second_mask_replaces_the_first_and_restores_what_the_model_said_where_that_wins(herd: Scene) -> None:
    model = await labels_of(herd)
    await run(herd, MASK, await deer(herd))
    again = await run(herd, MASK, await deer(herd, "Vulpes vulpes"))
    assert await labels_of(herd) == ["red fox"] * 12
    assert again["counters"]["restored"] == model.count("red fox")
    (count,) = (await herd.sql("select count(*) from predictions where terminal"))[0]
    assert count == 12
    assert (
        await herd.sql(
            "select 1 from predictions t join predictions a on a.id = t.applied_to_id where t.terminal"
            " and a.applied_to_id is not null"
        )
        == []
    )


async def test_intersect_keeps_what_both_masks_keep(herd: Scene) -> None:
    first = await run(herd, MASK, await deer(herd))
    facts = (await get(herd, f"/api/postprocessing/runs/{first['id']}/"))["report"]["facts"]
    of_mask = {"algorithm_id": facts["output_algorithm_id"], "compose": "intersect"}
    config = await deer(herd, "Capreolus capreolus", "Vulpes vulpes", **of_mask)
    await run(herd, MASK, config)
    labels = await labels_of(herd)
    assert "red fox" not in labels
    assert {label for label, winner in zip(labels, WINNERS, strict=True) if winner > 1} == {"roe deer"}
    only = await deer(herd, "Vulpes vulpes", **of_mask)
    scope = {"linked_collection_id": str(herd.linked_collection_id)}
    assert (await post(herd, f"{MASK}/run/", {"scope": scope, "config": only})).status_code == 422


async def test_winner_is_the_same_without_reweighting_and_its_score_is_never_above(herd: Scene) -> None:
    await run(herd, MASK, await deer(herd, only_when_taxon_changes=False))
    scores = "select p.score from predictions p where p.terminal order by p.observation_id"
    reweighted, labels = await herd.sql(scores), await labels_of(herd)
    await run(herd, MASK, await deer(herd, only_when_taxon_changes=False, reweight=False))
    assert await labels_of(herd) == labels
    assert all(high[0] > low[0] for high, low in zip(reweighted, await herd.sql(scores), strict=True))


async def test_what_people_touched_stays_and_is_counted(herd: Scene) -> None:
    rows = await herd.sql(
        "select o.classification_id, o.occurrence_id from observations o where o.label = 'red fox' order by o.id"
    )
    path = f"/api/media-classifications/classifications/{rows[0][0]}/"
    assert (await call(herd, "owner", "POST", f"{path}fork/")).status_code == 201
    item = {"occurrence_id": str(rows[-1][1]), "taxon_id": str(herd.taxa["Sus scrofa"])}
    answer = await call(herd, "annotator", "POST", "/api/occurrences/identifications/", {"items": [item]})
    assert answer.status_code == 200
    before = await herd.sql("select * from observations where classification_id = :id", id=rows[0][0])
    counters = (await run(herd, MASK, await deer(herd)))["counters"]
    assert counters["skipped_forked"] == 2
    assert counters["skipped_identified"] == 1
    assert await herd.sql("select * from observations where classification_id = :id", id=rows[0][0]) == before


async def test_undo_leaves_what_was_identified_since(herd: Scene) -> None:
    operation = await run(herd, MASK, await deer(herd))
    changed = await herd.sql(
        "select o.occurrence_id, p.id from observations o join predictions p on p.observation_id = o.id and p.terminal"
        " where p.applied_to_id is not null order by o.id limit 1"
    )
    item = {"occurrence_id": str(changed[0][0]), "prediction_id": str(changed[0][1])}
    assert (
        await call(herd, "annotator", "POST", "/api/occurrences/identifications/", {"items": [item]})
    ).status_code == 200
    counters = (await undo(herd, operation["id"]))["counters"]
    assert counters["skipped"] == 1
    assert await herd.sql("select id from predictions where applied_to_id is not null") == [(changed[0][1],)]


async def test_nobody_unprivileged_or_foreign_starts_anything(herd: Scene) -> None:
    body = {"scope": {"linked_collection_id": str(herd.linked_collection_id)}, "config": await deer(herd)}
    for who, code in (("annotator", 403), ("stranger", 404)):
        for path in (f"{MASK}/run/", f"{MASK}/dry_run/"):
            assert (await post(herd, path, body, who=who)).status_code == code
    operation = await run(herd, MASK, await deer(herd))
    assert (await post(herd, f"runs/{operation['id']}/undo/", {}, who="annotator")).status_code == 403
    assert (await post(herd, f"runs/{operation['id']}/undo/", {}, who="stranger")).status_code == 404
    assert await herd.sql("select count(*) from postprocessing_runs") == [(1,)]
    async with herd.as_("stranger") as client:
        assert (await client.get("/api/postprocessing/runs/")).json()["items"] == []


async def test_wrong_scopes_and_settings_are_refused_before_anything_is_written(herd: Scene) -> None:
    link = {"linked_collection_id": str(herd.linked_collection_id)}
    for scope, config, code in (
        ({}, {}, 422),
        ({"job_id": str(uuid7()), "occurrence_id": str(uuid7())}, {}, 422),
        ({"occurrence_id": str(uuid7())}, {}, 404),
        ({"sequence_ids": [str(uuid7())]}, {}, 404),
        ({**link, "resource_ids": [str(herd.resource_ids[0]), str(uuid7())]}, {}, 422),
        (link, {"reweigh": True}, 422),
        (link, {"taxa_list_id": str(uuid7())}, 422),
        (link, {"algorithm_id": str(uuid7())}, 422),
    ):
        answer = await post(herd, f"{MASK}/run/", {"scope": scope, "config": {**await deer(herd), **config}})
        assert answer.status_code == code, answer.text
    assert answer.json()["type"] == "method-refused"
    body = {"scope": {"classification_project_id": str(herd.project_id)}, "config": await deer(herd)}
    answer = await post(herd, f"{MASK}/run/", body)
    assert (answer.status_code, answer.json()["rows"]) == (409, 12)
    assert await herd.sql("select 1 from operations where kind = 'postprocessing.run'") == []
    key = str(uuid7())
    body["confirmed_rows"] = 12
    started = [await post(herd, f"{MASK}/run/", body, key=key) for _ in range(2)]
    assert [each.status_code for each in started] == [202, 202]
    assert started[0].json() == started[1].json()
    other = await post(herd, f"{MASK}/run/", {"scope": link, "config": await deer(herd)})
    assert (other.status_code, other.json()["type"]) == (409, "run-in-progress")


async def test_statements_do_not_grow_with_rows_and_narrow_scopes_touch_only_theirs(herd: Scene) -> None:
    config = await deer(herd)
    chosen = await herd.sql("select occurrence_id, resource_id from observations where label = 'red fox' order by id")
    with statements(herd) as ran:
        body = {"scope": {"occurrence_id": str(chosen[0][0])}, "config": config}
        answer = await post(herd, f"{MASK}/dry_run/", body)
    few = len(ran)
    assert answer.json()["total"] == 1
    with statements(herd) as ran:
        body = {"scope": {"linked_collection_id": str(herd.linked_collection_id)}, "config": config}
        assert (await post(herd, f"{MASK}/dry_run/", body)).json()["total"] == 12
    assert len(ran) <= few + 3
    link = str(herd.linked_collection_id)
    scope = {"linked_collection_id": link, "resource_ids": [str(chosen[0][1])]}
    assert (await post(herd, f"{MASK}/dry_run/", {"scope": scope, "config": config})).json()["total"] == 2
    ((job_id,),) = await herd.sql("select id from ai_classification_jobs")
    assert (await run(herd, MASK, config, scope={"job_id": str(job_id)}))["total"] == 12


async def test_options_list_the_model_and_its_masks_and_lists_find_runs_by_id(herd: Scene) -> None:
    operation = await run(herd, MASK, await deer(herd))
    scope = f'{{"linked_collection_id": "{herd.linked_collection_id}"}}'
    options = await get(herd, f"/api/postprocessing/{MASK}/options/", scope=scope)
    assert [row["kind"] for row in options["algorithms"]] == ["classification", "post_processing"]
    assert options["config_schema"]["properties"]["reweight"]["default"] is True
    ((untouched,),) = await herd.sql("select occurrence_id from observations where label = 'red deer' limit 1")
    options = await get(herd, f"/api/postprocessing/{MASK}/options/", scope=f'{{"occurrence_id": "{untouched}"}}')
    assert [row["kind"] for row in options["algorithms"]] == ["classification"]
    methods = (await get(herd, "/api/postprocessing/"))["items"]
    assert {method["key"] for method in methods} == {MASK, "rank_rollup", "small_size_filter"}
    listed = await get(herd, "/api/postprocessing/runs/", id=[operation["id"], str(UUID(int=2**128 - 1))])
    assert [row["id"] for row in listed["items"]] == [operation["id"]]


async def one_batch(made: Scene, kind: str, operation_id: str) -> Operation:
    """A batch of an operation in its transaction, as its process does it."""
    async with made.work.db() as db:
        operation = await operations.lock(db, UUID(operation_id))
        outcome = await KINDS[kind](made.work, db, operation)
        operation.position = outcome.position
        return operation


async def test_crash_at_any_statement_of_a_run_or_an_undo_leaves_everything_as_it_was(herd: Scene) -> None:
    before = await stored(herd)
    scope = {"linked_collection_id": str(herd.linked_collection_id)}
    started = (await post(herd, f"{MASK}/run/", {"scope": scope, "config": await deer(herd)})).json()["operation_id"]
    assert await die_everywhere(herd, lambda: one_batch(herd, RUN, started)) >= 15
    masked = await stored(herd)
    assert masked != before
    await ended(herd, started)  # the batch again, as after a crash between the commit and its answer
    assert await stored(herd) == masked
    undone = (await post(herd, f"runs/{started}/undo/", {})).json()["operation_id"]
    assert await die_everywhere(herd, lambda: one_batch(herd, UNDO, undone)) >= 8
    assert await stored(herd) == before
    await ended(herd, undone)


async def test_logits_that_cannot_be_used_are_counted_by_reason_and_the_others_are_masked(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=2, classification_threshold=0.2)
        await add_logits(made, logits_for([3, 3, 3, 3], [0, 0, 0, 0]))
        config = await deer(made, "Cervus elaphus", "Capreolus capreolus")
        counters = (await run(made, MASK, config))["counters"]
        assert counters["changed"] == 4
        ((sha256,),) = await made.sql("select sha256 from received_batches")
        other = await deer(made, "Sus scrofa")
        blob = await work.blobs.read(blob_key(sha256))
        await work.blobs.delete(blob_key(sha256))
        assert (await run(made, MASK, other))["counters"]["skipped_unreadable_logits"] == 4
        await work.blobs.put(blob_key(sha256), blob)
        await made.sql("update category_maps set size = 6 where size = 5")
        assert (await run(made, MASK, other))["counters"]["skipped_wrong_length"] == 4
        await made.sql("update received_batches set logits_algorithm_id = null")
        refused = await post(made, f"{MASK}/run/", {"scope": {"linked_collection_id": str(made.linked_collection_id)},
            "config": other})  # fmt: skip
        assert refused.json()["type"] == "method-refused"
        assert await made.sql("select count(*) from predictions where terminal") == [(4,)]


async def test_a_run_reaches_no_other_project_and_no_closed_link(herd: Scene) -> None:
    config = await deer(herd)
    async with herd.as_("owner") as client:
        body = {"research_project_id": str(herd.research_project_id), "name": "other"}
        other = await client.post("/api/classification-projects/", json=body, headers={"Idempotency-Key": "other"})
    own = "update taxa_lists set classification_project_id = :project where id = :id"
    await herd.sql(own, project=UUID(other.json()["id"]), id=UUID(config["taxa_list_id"]))
    scope = {"linked_collection_id": str(herd.linked_collection_id)}
    assert (await post(herd, f"{MASK}/run/", {"scope": scope, "config": config})).status_code == 422
    await herd.sql(own, project=herd.project_id, id=UUID(config["taxa_list_id"]))
    started = (await post(herd, f"{MASK}/run/", {"scope": scope, "config": config})).json()["operation_id"]
    await herd.sql("update classification_project_collections set revoked_at = now()")
    before = await stored(herd)
    await run_operation(herd.work, UUID(started))
    assert await stored(herd) == before
    await herd.sql("update classification_project_collections set revoked_at = null")


async def test_list_that_was_edited_masks_again_under_another_algorithm(herd: Scene) -> None:
    config = await deer(herd, "Cervus elaphus")
    first = await run(herd, MASK, config)
    await herd.sql(
        "insert into taxa_list_entries values (:list, :taxon)",
        list=UUID(config["taxa_list_id"]),
        taxon=herd.taxa["Vulpes vulpes"],
    )
    second = await run(herd, MASK, config)
    facts = [
        (await get(herd, f"/api/postprocessing/runs/{each['id']}/"))["report"]["facts"] for each in (first, second)
    ]
    assert facts[0]["output_algorithm_id"] != facts[1]["output_algorithm_id"]
    assert second["counters"]["restored"] == WINNERS.count(3)
    maps = "select m.size, count(l.*) from algorithms a join category_maps m on m.id = a.category_map_id"
    maps += " join category_labels l on l.category_map_id = m.id where a.id = :id group by m.size"
    assert await herd.sql(maps, id=UUID(facts[1]["output_algorithm_id"])) == [(2, 2)]


async def test_approved_rows_stay_and_a_run_before_an_approval_is_undone_around_it(herd: Scene) -> None:
    operation = await run(herd, MASK, await deer(herd))
    ((row_id,),) = await herd.sql(
        "select o.classification_id from observations o join predictions p on p.observation_id = o.id and p.terminal"
        " where p.applied_to_id is not null order by o.id limit 1"
    )
    path = "/api/media-classifications/classifications/"
    async with herd.as_("owner") as client:
        final = (await client.get(f"{path}{row_id}/")).json()["final_classification_id"]
        version = (await client.get(f"{path}{final}/")).headers["ETag"]
        approved = await client.post(f"{path}{row_id}/approve/", headers={"If-Match": version})
    assert approved.status_code == 200
    kept = await herd.sql("select * from observations where classification_id = :id order by id", id=row_id)
    assert (await run(herd, MASK, await deer(herd, "Sus scrofa")))["counters"]["skipped_approved"] == 2
    await undo(herd, operation["id"], cascade=True)
    assert await herd.sql("select * from observations where classification_id = :id order by id", id=row_id) == kept


def test_row_without_a_winner_and_one_with_a_value_that_is_no_number_are_skipped_with_their_reason() -> None:
    source = Source(KnownAlgorithm(uuid7(), "model", "1", uuid7(), None, {}), uuid7(), 3, 0, {})
    labels = {index: MapLabel(index, str(index), uuid7()) for index in (0, 1)}
    selection = Selection(uuid7(), RunScope(job_id=uuid7()), source.algorithm.id)
    config = MaskingConfig(algorithm_id=source.algorithm.id, taxa_list_id=uuid7())
    plan = MaskingPlan(selection, source, np.array([0, 1]), labels, uuid7(), None, config)
    row = Row(
        *(uuid7() for _ in range(4)), ObservationType.ANIMAL, None, "2", 0.9, 0.1, False, False, False, True,
        uuid7(), "2", None, 0.9, uuid7(), source.algorithm.id, "2", None, 0.9, None, None, None, None,
    )  # fmt: skip
    logits = np.array([[-np.inf, -np.inf, 1], [np.nan, 1, 2], [1, np.inf, 0], [-65504, 0, 65504]], np.float16)
    decisions = plan._decide_rows([row] * 4, logits)
    assert [decision.reason for decision in decisions[:3]] == ["no_winner", "not_finite", "not_finite"]
    verdict = decisions[3].verdict
    assert verdict is not None
    assert (verdict.label, verdict.score, [each["label"] for each in verdict.top_k]) == ("1", 1.0, ["1"])
