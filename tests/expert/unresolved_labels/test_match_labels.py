"""Labels without a taxon are listed with what they may mean, and matched after an import with their observations."""

from typing import Any
from uuid import UUID

import pytest

from expert.unresolved_labels import match_labels
from tests.expert.occurrences.test_occurrences import ROWS, call
from tests.support.make.expert_ai import Scene
from tests.support.make.postprocessing import ended, get
from trapper_schemas.ids import uuid7

PATH = "/api/unresolved-labels/"


async def add_taxon(made: Scene, name: str, vernacular: str = "{}") -> UUID:
    taxon_id = uuid7()
    await made.sql(
        "insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names)"
        " values (:id, :name, :name, 'species', :path, cast(:vernacular as jsonb))",
        id=taxon_id,
        name=name,
        path=f"/{taxon_id}/",
        vernacular=vernacular,
    )
    return taxon_id


async def unresolved(made: Scene) -> list[tuple[str, str, list[str]]]:
    items = (await get(made, PATH))["items"]
    return [(each["label"], each["reason"], [taxon["id"] for taxon in each["candidates"]]) for each in items]


async def match(made: Scene, *, dry_run: bool = False) -> dict[str, Any]:
    body = {"classification_project_id": str(made.project_id), "dry_run": dry_run}
    async with made.as_("owner") as client:
        answer = await client.post(f"{PATH}match/", json=body, headers={"Idempotency-Key": str(uuid7())})
    assert answer.status_code == 202, answer.text
    return await ended(made, answer.json()["id"])


async def taxa(made: Scene) -> dict[str, set[UUID | None]]:
    """Taxa by label, as labels, predictions, observations and determinations of current rows have them."""
    rows = await made.sql("""
        select o.label, o.taxon_id, p.taxon_id, d.determination_taxon_id, l.taxon_id from observations o
          join predictions p on p.observation_id = o.id and p.terminal
          join occurrences d on d.id = o.occurrence_id
          join algorithms a on a.id = p.algorithm_id
          join category_labels l on l.category_map_id = a.category_map_id and l.label = o.label
        where o.is_current and o.classification_type = 'ai'""")
    found: dict[str, set[UUID | None]] = {}
    for label, *ids in rows:
        found.setdefault(label, set()).update(ids)
    return found


async def test_labels_are_matched_after_an_import_and_current_observations_follow(
    griffins: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await unresolved(griffins) == [("griffin", "unknown", [])]
    other = await add_taxon(griffins, "Gryps magnus", '{"en": "Griffin"}')
    assert await unresolved(griffins) == [("griffin", "vernacular", [str(other)])]
    griffin, fox = await add_taxon(griffins, "Gryps fabulosus"), await add_taxon(griffins, "Vulpes nova")
    await griffins.sql("update taxa set accepted_id = :fox where id = :id", fox=fox, id=griffins.taxa["Vulpes vulpes"])
    assert await unresolved(griffins) == [("griffin", "matches_now", [str(griffin)])]

    before = await taxa(griffins)
    assert (before["griffin"], before["red fox"]) == ({None}, {griffins.taxa["Vulpes vulpes"]})
    monkeypatch.setattr(match_labels, "_ROWS_AT_ONCE", 5)
    dry = await match(griffins, dry_run=True)
    assert (dry["total"], dry["done"]) == (12, 12)
    assert dry["counters"] == {"labels": 2, "observations": 5, "determinations": 0}
    assert await taxa(griffins) == before

    done = await match(griffins)
    assert done["counters"] == {"labels": 2, "observations": 5, "determinations": 5}
    assert await taxa(griffins) == {**before, "griffin": {griffin}, "red fox": {fox}}
    assert await unresolved(griffins) == []
    assert (await match(griffins))["counters"] == {"labels": 0, "observations": 0, "determinations": 0}


async def test_approved_observations_keep_their_taxon(griffins: Scene) -> None:
    await add_taxon(griffins, "Gryps fabulosus")
    ((row_id,),) = await griffins.sql(
        "select classification_id from observations where label = 'griffin' and is_current"
    )
    row = await get(griffins, f"{ROWS}{row_id}/")
    version = {"If-Match": f'"{row["version"]}"'}
    approved = await call(griffins, "owner", "POST", f"{ROWS}{row_id}/approve/", **version)
    assert approved.status_code == 200, approved.text
    assert (await match(griffins))["counters"]["observations"] == 0
    rows = await griffins.sql("select distinct taxon_id from observations where label = 'griffin' and is_current")
    assert [row[0] for row in rows] == [None]
