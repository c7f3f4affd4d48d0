"""Checklists of several forms stand side by side, and every row that cannot be read is named."""

import io
import zipfile
from typing import Any
from uuid import UUID

import pytest

from expert.operations.run import run_operation
from expert.taxa import parse_checklist
from expert.taxa.errors import ChecklistUnreadable
from expert.taxa.resolve import TaxonName, resolve_taxa
from tests.support.make.expert import Backend, Person
from tests.support.shared_data import shared_data
from trapper_schemas.ids import uuid7

GBIF = """taxonID\tparentNameUsageID\tacceptedNameUsageID\tscientificName\tcanonicalName\ttaxonRank\ttaxonomicStatus
1\t\t\tAnimalia\tAnimalia\tkingdom\taccepted
733\t359\t\tEulipotyphla "x\tEulipotyphla\torder\taccepted
359\t1\t\tMammalia\tMammalia\tclass\taccepted
9701\t359\t\tCanidae\tCanidae\tfamily\taccepted
5219142\t9701\t\tCanis Linnaeus, 1758\tCanis\tgenus\taccepted
5219173\t5219142\t\tCanis lupus Linnaeus, 1758\tCanis lupus\tspecies\taccepted
8\t5219142\t7\tCanis lycaon var.\tCanis lycaon\tspecies\tsynonym
7\t5219142\t5219173\tCanis lycaon Schreber, 1775\tCanis lycaonicus\tspecies\tsynonym
"""
COL = """col:ID\tdwc:taxonID\tdwc:parentNameUsageID\tdwc:acceptedNameUsageID\tdwc:scientificName\tdwc:taxonRank
x\tN\t\t\tAnimalia\tkingdom
x\tSF\tN\t\tCaniformia\tsuborder
x\tQLXL\tSF\t\tCanis lupus Linnaeus, 1758\tspecies
x\tQLXM\tQLXL\t\tCanis lupus arctos\tsubspecies
"""
NAMES = "taxonID\tvernacularName\tlanguage\nQLXL\tGrey Wolf\teng\nQLXL\twilk szary\tpol\nNONE\tnobody\teng\n"


@pytest.fixture
async def ann(backend: Backend) -> Person:
    return await backend.person()


async def _import(backend: Backend, person: Person, content: bytes | str, checklist: str) -> dict[str, Any]:
    project = await (await backend.project(person)).classification_project()
    answer = await person.client.post(
        "/api/taxa/import/",
        params={"classification_project_id": project["id"], "checklist": checklist},
        content=content,
        headers={"Idempotency-Key": uuid7().hex, "Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 202, answer.text
    operation_id = answer.json()["id"]
    await run_operation(backend.work, UUID(operation_id))
    operation = (await person.client.get(f"/api/operations/{operation_id}/")).json()
    log = (await person.client.get(f"/api/operations/{operation_id}/log/")).json()["items"]
    return {**operation, "log": [line["message"] for line in log]}


async def _taxa(person: Person, **params: str) -> list[dict[str, Any]]:
    answer = await person.client.get("/api/taxa/", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _zip(compression: int = zipfile.ZIP_STORED, **tables: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, text in tables.items():
            archive.writestr(f"backbone/{name}.tsv", text)
    return made.getvalue()


async def test_two_checklists_stand_side_by_side(backend: Backend, ann: Person) -> None:
    async with backend.work.db() as db:
        (provisional,) = await resolve_taxa(db, [TaxonName("wolf", "Canis lupus", "species")])
    gbif = await _import(backend, ann, GBIF, "gbif")
    assert gbif["state"] == "finished", gbif
    assert gbif["counters"] == {
        "added": 7, "adopted": 1, "matched": 0, "refused": 0, "synonyms": 2, "warnings": 0,
    }  # fmt: skip
    col = await _import(backend, ann, _zip(Taxon=COL, VernacularName=NAMES), "col")
    assert col["counters"] == {
        "added": 2, "adopted": 2, "matched": 0, "refused": 0, "synonyms": 0, "warnings": 0,
    }  # fmt: skip
    (wolf,) = await _taxa(ann, key="QLXL")
    assert wolf["id"] == str(provisional)
    assert (wolf["scientific_name"], wolf["provisional"]) == ("Canis lupus Linnaeus, 1758", False)
    assert wolf["keys"] == [{"checklist": "col", "key": "QLXL"}, {"checklist": "gbif", "key": "5219173"}]
    assert wolf["vernacular_names"] == {"en": "wolf", "pl": "wilk szary"}  # what is there already stays
    (mammals,) = await _taxa(ann, key="359")
    below = [row["canonical_name"] for row in await _taxa(ann, below=mammals["id"])]
    assert sorted(below) == [
        "Canidae", "Canis", "Canis lupus", "Canis lupus arctos", "Canis lycaon", "Canis lycaonicus", "Eulipotyphla",
        "Mammalia",
    ]  # fmt: skip
    assert [row["canonical_name"] for row in await _taxa(ann, name="wilk", checklist="col")] == ["Canis lupus"]
    assert await _taxa(ann, name="Canidae", checklist="col") == []


async def test_synonyms_lead_to_their_accepted_name(backend: Backend, ann: Person) -> None:
    await _import(backend, ann, GBIF, "gbif")
    (wolf,) = await _taxa(ann, key="5219173")
    (chained,) = await _taxa(ann, key="8")
    assert chained["accepted_id"] == wolf["id"]
    async with backend.work.db() as db:
        resolved = await resolve_taxa(
            db, [TaxonName("a", keys=(("gbif", "7"),)), TaxonName("b", "Canis lycaon"), TaxonName("canis lycaonicus")]
        )
    assert [str(each) for each in resolved] == [wolf["id"]] * 3


async def test_import_again_changes_nothing_and_adopts_nothing(backend: Backend, ann: Person) -> None:
    await _import(backend, ann, GBIF, "gbif")
    before = await _taxa(ann)
    again = await _import(backend, ann, GBIF.replace("Eulipotyphla", "Erinaceomorpha"), "gbif")
    assert (again["counters"]["matched"], again["counters"]["added"]) == (8, 0)
    after = await _taxa(ann)
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert [row["canonical_name"] for row in after if row not in before] == ["Erinaceomorpha"]


async def test_flat_table_makes_its_higher_taxa_once_and_keeps_homonyms_apart(backend: Backend, ann: Person) -> None:
    flat = """canonical_name,gbif_key,rank,kingdom,class,genus,common_name
Oenanthe oenanthe,1,SPECIES,Animalia,Aves,Oenanthe,northern wheatear
Oenanthe crocata,2,SPECIES,Plantae,,Oenanthe,
Oenanthe hispanica,3,SPECIES,Animalia,Aves,Oenanthe,
"""
    assert (await _import(backend, ann, flat, "flat"))["counters"]["added"] == 8
    genera = await _taxa(ann, name="Oenanthe")
    assert sorted(row["rank"] for row in genera) == ["genus", "genus", "species", "species", "species"]
    (plants,) = await _taxa(ann, name="Plantae")
    assert {row["canonical_name"] for row in await _taxa(ann, below=plants["id"])} == {
        "Plantae", "Oenanthe", "Oenanthe crocata",
    }  # fmt: skip
    assert (await _import(backend, ann, flat, "flat"))["counters"]["added"] == 0


async def test_rows_with_errors_are_named_and_the_others_imported(backend: Backend, ann: Person) -> None:
    table = (
        b"taxonID,scientificName,parentNameUsageID,acceptedNameUsageID\n"
        b"1,Aves,2,\n2,Animalia,1,\n3,Pica pica,99,\n,Nemo,,\n4,,,\n1,Again,,\n5,\xff,,\n6,Corvus,,77\n"
    )
    imported = await _import(backend, ann, table, "mine")
    assert imported["state"] == "finished"
    assert (imported["counters"]["added"], imported["counters"]["refused"]) == (4, 4)
    assert imported["log"] == [
        "Line 5: the key is empty.",
        "Line 6: the name is empty.",
        "Line 8: a cell is not UTF-8, or has control characters.",
        "Line 7: the key 1 is in an earlier row.",
        "Line 2: its parents form a circle, so it has no lineage.",
        "Line 3: its parents form a circle, so it has no lineage.",
        "Line 4: the parent 99 is in no row and no earlier import.",
        "Line 9: the accepted name 77 is in no row and no earlier import.",
    ]


def _broken_zip() -> bytes:
    """A zip whose compressed table cannot be unpacked."""
    whole = bytearray(_zip(zipfile.ZIP_DEFLATED, Taxon=GBIF))
    begin = 30 + len("backbone/Taxon.tsv")  # the header of a member has 30 bytes and its name
    whole[begin : begin + 20] = b"\xff" * 20
    return bytes(whole)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "needs a column taxonID and a column scientificName"),
        (b"", "needs a column taxonID"),
        (_zip(Other="x", More="y"), "the zip has no table of taxa"),
        (_zip(Taxon=GBIF)[:200] + b"PK\x05\x06" + b"\0" * 18, "the zip"),
        (_broken_zip(), "the zip cannot be read"),
    ],
)
async def test_file_that_is_no_checklist_fails_with_the_reason(
    backend: Backend, ann: Person, content: bytes, reason: str
) -> None:
    imported = await _import(backend, ann, content, "mine")
    assert imported["state"] == "failed"
    assert reason in imported["error"]
    assert await _taxa(ann) == []


def test_table_that_unpacks_to_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_checklist, "LARGEST_TABLE_BYTES", len(GBIF) - 1)
    with pytest.raises(ChecklistUnreadable, match="bytes unpacked; a table has at most"):
        next(parse_checklist.parse_checklist(io.BytesIO(_zip(Taxon=GBIF))))


async def test_real_table_of_gbif_keys_is_imported_with_its_lineage(backend: Backend, ann: Person) -> None:
    table = shared_data("taxonomy", "gbif_join.csv").read_bytes()
    imported = await _import(backend, ann, table, "gbif")
    rows = table.decode().splitlines()[1:]
    assert (imported["state"], imported["counters"]["refused"]) == ("finished", 0)
    (chukar,) = await _taxa(ann, key="2474029")
    assert (chukar["canonical_name"], chukar["vernacular_names"]) == ("Alectoris chukar", {"en": "chukar"})
    (birds,) = [row for row in await _taxa(ann, name="Aves") if row["rank"] == "class"]
    below = await _taxa(ann, below=birds["id"], limit="200", key="2474029")
    assert [row["id"] for row in below] == [chukar["id"]]
    assert imported["counters"]["added"] >= len(rows)
