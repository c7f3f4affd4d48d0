"""Runs of methods in tests: asked over HTTP, run to their end."""

from typing import Any
from uuid import UUID

import httpx

from expert.operations.run import run_operation
from expert.taxa_lists.models import TaxaList, TaxaListEntry
from expert.taxa_lists.state import content_fingerprint
from tests.support.make.expert_ai import Scene
from trapper_schemas.ids import uuid7

METHODS = "/api/postprocessing/"
TABLES = ("predictions", "observations", "occurrences")


async def algorithm_of(made: Scene) -> str:
    """The id of the species model's algorithm."""
    ((algorithm_id,),) = await made.sql("select algorithm_id from ai_providers where id = :id", id=made.classifier_id)
    return str(algorithm_id)


async def taxa_list(made: Scene, *names: str) -> str:
    """A list of the project with these taxa and their name; the same one when it was made before."""
    name = ", ".join(names)
    rows = await made.sql("select id from taxa_lists where name = :name", name=name)
    if rows:
        return str(rows[0][0])
    async with made.work.db() as db:
        taxa_list = TaxaList(
            id=uuid7(),
            classification_project_id=made.project_id,
            name=name,
            fingerprint=content_fingerprint([made.taxa[each] for each in names]),
        )
        db.add(taxa_list)
        await db.flush()
        db.add_all(TaxaListEntry(taxa_list_id=taxa_list.id, taxon_id=made.taxa[each]) for each in names)
    return str(taxa_list.id)


async def post(made: Scene, path: str, body: Any, *, who: str = "owner", key: str | None = None) -> httpx.Response:
    """A request with an idempotency key of its own."""
    async with made.as_(who) as client:
        return await client.post(METHODS + path, json=body, headers={"Idempotency-Key": key or str(uuid7())})


async def get(made: Scene, path: str, *, who: str = "owner", **parameters: Any) -> Any:
    """The body of an answer."""
    async with made.as_(who) as client:
        answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def run(made: Scene, method: str, config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A run over the linked collection, when it has ended."""
    body = {"scope": {"linked_collection_id": str(made.linked_collection_id)}, "config": config, **changes}
    answer = await post(made, f"{method}/run/", body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/operations/{answer.json()['operation_id']}/"
    return await ended(made, answer.json()["operation_id"])


async def ended(made: Scene, operation_id: str) -> dict[str, Any]:
    """The operation, run to its end."""
    await run_operation(made.work, UUID(operation_id))
    operation = await get(made, f"/api/operations/{operation_id}/")
    assert operation["state"] == "finished", operation
    return operation


async def undo(made: Scene, run_id: str, *, cascade: bool = False) -> dict[str, Any]:
    """The undo of a run, when it has ended."""
    answer = await post(made, f"runs/{run_id}/undo/", {"cascade": cascade})
    assert answer.status_code == 202, answer.text
    return await ended(made, answer.json()["operation_id"])


async def stored(made: Scene) -> list[Any]:
    """Every row that post-processing may change, byte for byte."""
    return [await made.sql(f"select * from {table} order by id") for table in TABLES]  # noqa: S608 - names of tables


async def labels_of(made: Scene) -> list[str]:
    """The labels of the observations, in the order of the rows of their logits."""
    rows = await made.sql(
        "select o.label from observations o join predictions p on p.observation_id = o.id and p.output_row is not null"
        " where o.is_current order by p.output_row"
    )
    return [row[0] for row in rows]
