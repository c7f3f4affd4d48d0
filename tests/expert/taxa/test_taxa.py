"""Species are found by any of their names, and added by those who lead a project."""

from typing import Any

import pytest

from expert.taxa.resolve import TaxonName, resolve_taxa, vernacular_name
from expert.taxa.state import TaxonRank, is_below
from tests.support.make.expert import Backend, Person
from trapper_schemas.ids import uuid7

TAXA = "/api/taxa/"


async def names(person: Person, **params: str) -> list[str]:
    answer = await person.client.get(TAXA, params=params)
    assert answer.status_code == 200, answer.text
    return sorted(row["scientific_name"] for row in answer.json()["items"])


async def test_a_species_is_found_by_each_of_its_names(backend: Backend) -> None:
    ann = await backend.person()
    async with backend.work.db() as db:
        fox = TaxonName("red fox", "Vulpes vulpes (Linnaeus, 1758)", "species")
        await resolve_taxa(db, [fox, TaxonName("wolf", "Canis lupus", "species", common_name="Grey wolf")])
    for name in ("vulpes vulpes (linnaeus, 1758)", "Vulpes Vulpes", "RED FOX"):
        assert await names(ann, name=name) == ["Vulpes vulpes (Linnaeus, 1758)"]
    for part in ("vulp", "ed fo", "linnaeus"):
        assert await names(ann, name=part) == ["Vulpes vulpes (Linnaeus, 1758)"]
    assert await names(ann, name="%") == []
    assert await names(ann, name="grey wolf") == ["Canis lupus"]
    async with backend.work.db() as db:  # another model's name for a taxon that has one changes nothing
        await resolve_taxa(db, [TaxonName("timber wolf", "Canis lupus")])
    (wolf,) = (await ann.client.get(TAXA, params={"name": "Canis lupus"})).json()["items"]
    assert (wolf["vernacular_names"], wolf["provisional"]) == ({"en": "Grey wolf"}, True)
    assert await names(ann, id=wolf["id"]) == ["Canis lupus"]


async def add(person: Person, project: dict[str, Any], key: str = "", **body: Any) -> Any:
    body = {"classification_project_id": project["id"], "rank": "species", **body}
    return await person.client.post(TAXA, json=body, headers={"Idempotency-Key": key or uuid7().hex})


async def test_a_leader_adds_a_provisional_taxon_below_its_parent(backend: Backend) -> None:
    ann = await backend.person()
    looking = await (await backend.project(ann)).classification_project()
    genus = (await add(ann, looking, scientific_name="Gryps", rank="genus")).json()
    body = {"scientific_name": "Gryps fabulosus", "parent_id": genus["id"], "vernacular_names": {"en": "griffin"}}
    first, second = await add(ann, looking, "k", **body), await add(ann, looking, "k", **body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (first.json()["provisional"], first.json()["parent_id"]) == (True, genus["id"])
    assert await names(ann, name="Griffin") == ["Gryps fabulosus"]
    assert await names(ann, below=genus["id"]) == ["Gryps", "Gryps fabulosus"]
    again = await add(ann, looking, scientific_name="gryps FABULOSUS")
    assert (again.status_code, again.json()["type"], again.json()["taxon_id"]) == (
        409,
        "taxon-exists",
        first.json()["id"],
    )
    for wrong, field in (
        ({"scientific_name": "Gryps minor", "parent_id": str(uuid7())}, "parent_id"),
        ({"scientific_name": "Grypidae", "rank": "family", "parent_id": genus["id"]}, "rank"),
        ({"scientific_name": "Gryps\nminor"}, "scientific_name"),
        ({"scientific_name": " G "}, "scientific_name"),
        ({"scientific_name": "Gryps minor", "rank": "monster"}, "rank"),
    ):
        refused = await add(ann, looking, **wrong)
        assert (refused.status_code, refused.json()["errors"][0]["loc"][1]) == (422, field)
    stranger = await add(await backend.person("other"), looking, scientific_name="Gryps minor")
    assert stranger.status_code == 404


@pytest.mark.parametrize(
    ("name", "vernacular"),
    [
        (TaxonName("red fox", "Vulpes vulpes"), "red fox"),
        (TaxonName("Vulpes vulpes", "Vulpes vulpes"), None),
        (TaxonName("vulpes_vulpes", "Vulpes vulpes"), None),
        (TaxonName("0f3c;mammalia;;fox", "Vulpes vulpes", common_name="fox"), "fox"),
        (TaxonName("red fox"), None),
    ],
)
def test_a_models_common_name_is_kept_else_a_label_of_words(name: TaxonName, vernacular: str | None) -> None:
    assert vernacular_name(name) == vernacular


def test_ranks_have_an_order() -> None:
    assert is_below(TaxonRank.SPECIES, "genus")
    assert not is_below(TaxonRank.GENUS, "species")
    assert is_below(TaxonRank.GENUS, None)
    assert is_below(TaxonRank.GENUS, "cohort")
