"""Rank roll-up and the small-size filter over stored results, alone and after a mask."""

from typing import Any

import pytest

from tests.expert.postprocessing.conftest import ROE, WINNERS
from tests.support.make.expert_ai import Scene
from tests.support.make.postprocessing import algorithm_of, ended, get, labels_of, post, run, stored, taxa_list, undo

ROLLUP, SIZES, MASK = "rank_rollup", "small_size_filter", "class_masking"


async def terminal(made: Scene, label: str) -> list[Any]:
    return await made.sql(
        "select p.taxon_id, p.score, p.rule, a.label from predictions p join predictions a on a.id = p.applied_to_id"
        " where p.terminal and p.label = :label order by p.id",
        label=label,
    )


async def test_rollup_generalizes_to_the_first_rank_that_is_probable_enough(herd: Scene) -> None:
    config = {"algorithm_id": await algorithm_of(herd), "thresholds": {"Species": 0.9, "Family": 0.7}}
    before = await stored(herd)
    operation = await run(herd, ROLLUP, config)
    rows = await terminal(herd, "Cervidae")
    assert {row[0] for row in rows} == {herd.taxa["Cervidae"]}
    assert {row[3] for row in rows} == {"red deer", "roe deer"}
    assert {row[2] for row in rows} == {"family reaches 0.7"}
    labels = await labels_of(herd)
    assert [labels[place] for place, winner in enumerate(WINNERS) if winner > ROE] == [
        "wild boar", "red fox", "red fox", "red fox", "red fox", "griffin", "wild boar"
    ]  # fmt: skip
    assert operation["counters"]["changed"] == len(rows)
    assert (await run(herd, ROLLUP, config))["counters"]["unchanged"] == len(WINNERS)
    await undo(herd, operation["id"])
    assert await stored(herd) == before


@pytest.mark.parametrize("mode", ["lineage", "distribution"])
async def test_rollup_after_a_mask_brings_no_excluded_class_back(herd: Scene, mode: str) -> None:
    mask = {"algorithm_id": await algorithm_of(herd), "taxa_list_id": await taxa_list(herd, "Cervidae")}
    masked = await run(herd, MASK, mask)
    config = {"algorithm_id": mask["algorithm_id"], "mode": mode, "thresholds": {"species": 1, "family": 0.95}}
    rolled = await run(herd, ROLLUP, config)
    chains = await herd.sql("select t.taxon_id, a.algorithm_id::text, r.algorithm_id::text from predictions t"
        " join predictions a on a.id = t.applied_to_id left join predictions r on r.id = a.applied_to_id"
        " where t.terminal and t.rule is not null")  # fmt: skip
    output = (await get(herd, f"/api/postprocessing/runs/{masked['id']}/"))["report"]["facts"]["output_algorithm_id"]
    assert (herd.taxa["Cervidae"], output, mask["algorithm_id"]) in chains
    assert {taxon for taxon, _, _ in chains} == {herd.taxa["Cervidae"]}
    refused = await post(herd, f"runs/{masked['id']}/undo/", {})
    assert refused.json()["run_ids"] == [rolled["id"]]
    labels = set(await labels_of(herd))
    assert not labels & {"wild boar", "red fox", "griffin"}


async def test_small_boxes_become_unknown_once_and_decide_for_no_occurrence(herd: Scene) -> None:
    before = await stored(herd)
    operation = await run(herd, SIZES, {})
    assert operation["counters"] == {
        "checked": 12, "unchanged": 12, "taxa_changed": 0
    }  # fmt: skip
    config = {"size_threshold": 0.5}
    first = await run(herd, SIZES, config)
    assert (first["counters"]["changed"], first["counters"]["determinations_changed"]) == (12, 12)
    assert await labels_of(herd) == ["unknown"] * 12
    assert await herd.sql("select distinct observation_type, taxon_id from observations where is_current") == [
        ("unknown", None)
    ]
    assert await herd.sql("select count(*) from occurrences where determination_taxon_id is not null") == [(0,)]
    assert (await run(herd, SIZES, config))["counters"]["unchanged"] == 12
    mask = {"algorithm_id": await algorithm_of(herd), "taxa_list_id": await taxa_list(herd, "Cervidae")}
    assert (await run(herd, MASK, mask))["counters"]["skipped_not_terminal"] == 12
    await undo(herd, first["id"])
    assert await stored(herd) == before


async def test_cancelled_run_ends_between_batches_and_its_undo_works(herd: Scene) -> None:
    before = await stored(herd)
    scope = {"linked_collection_id": str(herd.linked_collection_id)}
    started = (await post(herd, f"{SIZES}/run/", {"scope": scope, "config": {"size_threshold": 0.5}})).json()
    async with herd.as_("owner") as client:
        cancelled = await client.post(f"/api/operations/{started['operation_id']}/cancel/")
    assert cancelled.json()["state"] == "cancelled"
    assert await stored(herd) == before
    undone = await post(herd, f"runs/{started['operation_id']}/undo/", {})
    assert (await ended(herd, undone.json()["operation_id"]))["counters"] == {"runs": 1}
