"""A project with a regional checklist: photos in, masked determinations out, without anybody's doing."""

from typing import Any

from expert.jobs.end import end_job
from expert.jobs.state import JobStage
from expert.operations.run import run_operation
from tests.expert.outputs.test_logits import batch
from tests.support.make.expert_ai import Scene, applied, asked_again
from tests.support.make.postprocessing import get, labels_of, taxa_list, undo
from trapper_schemas.ids import uuid7

JOBS = "/api/ai-classification-jobs/"


async def choose(made: Scene, list_id: str | None) -> int:
    path = f"/api/classification-projects/{made.project_id}/"
    async with made.as_("owner") as client:
        version = (await client.get(path)).headers["ETag"]
        answer = await client.patch(path, json={"taxa_list": list_id}, headers={"If-Match": version})
    if answer.status_code == 200:
        assert answer.json()["taxa_list"] == list_id
    return answer.status_code


async def end(made: Scene) -> list[dict[str, Any]]:
    """The stages after ingest of the job, run to their ends."""
    ((job_id,),) = await made.sql("select id from ai_classification_jobs where stage <> 'finished'")
    await made.sql("update received_batches set acknowledged_at = now() where acknowledged_at is null")
    async with made.work.db() as db:
        await end_job(db, job_id, JobStage.FINISHED, now=made.work.clock.now())
    for (operation_id,) in await made.sql("select operation_id from job_stage_runs where job_id = :id", id=job_id):
        await run_operation(made.work, operation_id)
    return (await get(made, f"{JOBS}{job_id}/"))["after_ingest"]


async def test_project_with_a_taxa_list_masks_the_results_of_each_job_and_the_run_can_be_undone(herd: Scene) -> None:
    model = await labels_of(herd)
    assert await choose(herd, str(uuid7())) == 422
    assert await choose(herd, await taxa_list(herd, "Cervidae")) == 200
    stages = await end(herd)
    assert [stage["stage"] for stage in stages] == ["post_processing", "sequences"]
    assert (stages[0]["state"], stages[0]["total"], stages[0]["done"]) == ("finished", 12, 12)
    assert set(await labels_of(herd)) == {"red deer", "roe deer"}
    determined = await herd.sql(
        "select distinct t.canonical_name from occurrences o join taxa t on t.id = o.determination_taxon_id order by 1"
    )
    assert determined == [("Capreolus capreolus",), ("Cervus elaphus",)]
    ((run,),) = [(await get(herd, "/api/postprocessing/runs/"))["items"]]
    assert (run["id"], run["created_by"], run["method"]) == (stages[0]["operation_id"], None, "class_masking")
    await undo(herd, run["id"])
    assert await labels_of(herd) == model


async def test_job_without_logits_says_so_and_without_a_taxa_list_nothing_follows(herd: Scene) -> None:
    assert [stage["stage"] for stage in await end(herd)] == ["sequences"]
    assert await choose(herd, await taxa_list(herd, "Cervidae")) == 200
    await applied(herd, await asked_again(herd), batch(herd.resource_ids, None))
    stages = await end(herd)
    assert (stages[0]["stage"], stages[0]["state"]) == ("post_processing", "finished")
    log = await get(herd, f"/api/operations/{stages[0]['operation_id']}/log/")
    assert [line["message"] for line in log["items"]] == [
        "The results of the job hold no logits of a species model, so nothing is masked."
    ]
    assert (await get(herd, "/api/postprocessing/runs/"))["items"] == []
