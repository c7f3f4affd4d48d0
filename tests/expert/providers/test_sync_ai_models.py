"""The catalogue of a real Manager becomes providers, algorithms, labels and taxa; again and again the same."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from expert.algorithms.models import Algorithm, CategoryLabel, CategoryMap
from expert.postprocessing.queries_algorithms import named_lineages_of
from expert.providers.connect_manager import connect_manager
from expert.providers.errors import CredentialUnreadable
from expert.providers.models import AiProvider, AiProviderConnection
from expert.providers.open_connection import open_connection
from expert.providers.seal import seal, unseal
from expert.providers.sync_ai_models import SyncReport, refresh_blocked, sync_ai_models
from expert.taxa.models import Taxon, TaxonKey
from tests.support.make import expert
from tests.support.make.expert import Backend
from tests.support.managers import RunningManager, running_manager
from trapper_schemas.catalog import map_species, read_manifest
from trapper_schemas.v1.models import ModelEntry

ANIMALS: list[dict[str, Any]] = [
    {"label": "red fox", "scientific_name": "Vulpes vulpes", "rank": "species", "common_name": "Red fox",
     "taxon_keys": [{"checklist": "gbif", "key": "5219243"}]},
    {"label": "Cervus elaphus Linnaeus, 1758", "scientific_name": "Cervus elaphus Linnaeus, 1758", "rank": "species"},
    {"label": "mystery"},
]  # fmt: skip


@pytest.fixture
async def manager(ai_manager_database_url: str, tmp_path: Path) -> AsyncIterator[RunningManager]:
    async with running_manager(ai_manager_database_url, tmp_path) as running:
        yield running


def entry(name: str, kind: str, labels: list[dict[str, Any]], weights: bytes, **changes: Any) -> dict[str, Any]:
    spec = {
        "predictor": "classifier" if kind == "classification" else "yolov8",
        "preprocessing": {"width": 64, "height": 64},
        "labels": labels,
        "thresholds": {"typical": 0.2, "conservative": 0.1},
    }
    return {
        "name": name,
        "version": "1",
        "kind": kind,
        "availability": "ready",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "size_bytes": len(weights),
        "spec": spec,
        "licence": "MIT",
        **changes,
    }


async def publish(manager: RunningManager, model: dict[str, Any], weights: bytes) -> None:
    (await manager.client.post("/api/models/", json={"entry": model})).raise_for_status()
    sent = await manager.client.put(f"/api/models/{model['sha256']}/weights", content=weights)
    sent.raise_for_status()


async def connected(backend: Backend, manager: RunningManager, *, token: str | None = None) -> AiProviderConnection:
    credential = token or manager.client.headers["Authorization"].removeprefix("Bearer ")
    async with backend.work.db() as db:
        return await connect_manager(
            db,
            backend.work.settings,
            name="here",
            url=manager.url,
            credential=credential,
            notifications_url=None,
            by=None,
        )


async def synced(backend: Backend) -> SyncReport:
    [report] = await sync_ai_models(backend.work)
    return report


DETECTOR = ("finder", "detection", [{"label": "animal", "observation_type": "animal"}], b"the finder's weights")
SPECIES = ("namer", "classification", ANIMALS, b"the namer's weights")


async def test_models_become_choosable_with_their_labels_and_taxa(backend: Backend, manager: RunningManager):
    await publish(manager, entry(*DETECTOR), DETECTOR[3])
    await publish(manager, entry(*SPECIES), SPECIES[3])
    await connected(backend, manager)
    report = await synced(backend)
    assert (report.problem, sorted(report.added)) == (None, ["finder", "namer"])
    assert [(one.model, one.label) for one in report.unresolved] == [("namer", "mystery")]
    person = await backend.person()
    listed = (await person.client.get("/api/ai-providers/", params={"provider_type": "classification"})).json()
    [namer] = listed["items"]
    assert (namer["name"], namer["is_active"], namer["threshold_typical"]) == ("namer", True, 0.2)
    told = (await person.client.get(f"/api/ai-providers/{namer['id']}/")).json()["categories"]
    assert [one["label"] for one in told] == [one["label"] for one in ANIMALS]
    assert [one["taxon_id"] is not None for one in told] == [True, True, False]
    [deer] = (await person.client.get("/api/taxa/", params={"name": "cervus el"})).json()["items"]
    assert (deer["canonical_name"], deer["scientific_name"]) == ("Cervus elaphus", "Cervus elaphus Linnaeus, 1758")
    [fox] = (await person.client.get("/api/taxa/", params={"key": "5219243"})).json()["items"]
    assert (fox["vernacular_names"], fox["keys"]) == ({"en": "Red fox"}, [{"checklist": "gbif", "key": "5219243"}])


async def test_labels_that_are_no_species_become_no_taxa(backend: Backend, manager: RunningManager):
    words = ["blank", "empty", "human", "person", "vehicle", "animal", "unknown"]
    labels = [label.model_dump(mode="json") for label in map_species([*words, "red deer"], None)]
    await publish(manager, entry("namer", "classification", labels, b"weights"), b"weights")
    await connected(backend, manager)
    report = await synced(backend)
    assert [each.label for each in report.unresolved] == ["red deer"]
    async with backend.work.db() as db:
        assert await db.scalar(select(func.count()).select_from(Taxon)) == 0
        kept = {each.label: each for each in await db.scalars(select(CategoryLabel))}
    assert {word: (kept[word].observation_type, kept[word].taxon_id) for word in words} == {
        "blank": (None, None),
        "empty": (None, None),
        "human": ("human", None),
        "person": ("human", None),
        "vehicle": ("vehicle", None),
        "animal": ("animal", None),
        "unknown": (None, None),
    }


async def test_the_taxa_of_a_labels_lineage_are_known_without_a_checklist(backend: Backend, manager: RunningManager):
    lynx = {"label": "lynx", "scientific_name": "Lynx lynx", "lineage": {"family": "Felidae", "genus": "Lynx"}}
    await publish(manager, entry("cats", "classification", [lynx], b"weights of cats"), b"weights of cats")
    await connected(backend, manager)
    await sync_ai_models(backend.work)
    async with backend.work.db() as db:
        (label,) = (await db.scalars(select(CategoryLabel).where(CategoryLabel.label == "lynx"))).all()
        assert label.lineage == lynx["lineage"]
        lineages = await named_lineages_of(db, label.category_map_id)
        assert sorted((rank, name) for rank, _, name in lineages[0]) == [("family", "Felidae"), ("genus", "Lynx")]
        assert set(await db.scalars(select(Taxon.provisional))) == {True}


async def test_syncing_again_changes_nothing(backend: Backend, manager: RunningManager):
    await publish(manager, entry(*SPECIES), SPECIES[3])
    await connected(backend, manager)
    await synced(backend)
    tables = (AiProvider, Algorithm, CategoryMap, CategoryLabel, Taxon, TaxonKey)

    async def count() -> list[int]:
        async with backend.work.db() as db:
            return [int(await db.scalar(select(func.count()).select_from(table)) or 0) for table in tables]

    before = await count()
    report = await synced(backend)
    assert (report.added, report.deactivated, await count()) == ([], [], before)


async def test_a_taxon_that_becomes_known_resolves_the_label_at_the_next_sync(
    backend: Backend, manager: RunningManager
):
    await publish(manager, entry(*SPECIES), SPECIES[3])
    await connected(backend, manager)
    await synced(backend)
    async with backend.work.db() as db:
        db.add(Taxon(scientific_name="Mystery", canonical_name="Mystery", path="/x/"))
    assert (await synced(backend)).unresolved == []


async def test_a_manager_that_does_not_answer_is_reported_in_a_sentence(backend: Backend, manager: RunningManager):
    await connected(backend, manager, token="not-the-token")
    report = await synced(backend)
    assert report.problem
    async with backend.work.db() as db:
        connection = (await db.scalars(select(AiProviderConnection))).one()
        connection.url = "http://127.0.0.1:9"
    assert "did not answer" in ((await synced(backend)).problem or "")
    admin = await backend.person("root", site_admin=True)
    [told] = (await admin.client.get("/api/ai-provider-connections/")).json()["items"]
    assert "did not answer" in told["sync_problem"]
    assert "credential" not in str(told)


async def test_connecting_again_changes_address_and_credential(backend: Backend, manager: RunningManager):
    first = await connected(backend, manager, token="old")
    second = await connected(backend, manager)
    assert first.id == second.id
    assert (await synced(backend)).problem is None
    assert open_connection(backend.work, second) is open_connection(backend.work, second)


async def test_only_a_site_admin_connects_and_syncs(backend: Backend):
    person = await backend.person()
    body = {"name": "x", "url": "http://127.0.0.1:1", "credential": "c"}
    assert (await person.client.put("/api/ai-provider-connections/", json=body)).status_code == 403
    assert (await person.client.post("/api/ai-providers/sync/")).status_code == 403
    admin = await backend.person("root", site_admin=True)
    answer = await admin.client.put("/api/ai-provider-connections/", json=body)
    assert answer.status_code == 200
    refused = await admin.client.put("/api/ai-provider-connections/", json={**body, "url": "ftp://x"})
    assert refused.status_code == 422
    reports = (await admin.client.post("/api/ai-providers/sync/")).json()["items"]
    assert [one["connection"] for one in reports] == ["x"]


async def test_a_credential_is_sealed_with_the_secret_key(backend: Backend):
    sealed = seal(backend.work.settings, "secret")
    assert "secret" not in sealed
    assert unseal(backend.work.settings, sealed) == "secret"
    with pytest.raises(CredentialUnreadable):
        unseal(backend.work.settings, sealed[:-4] + "AAAA")


async def test_a_private_address_that_no_setting_lists_is_not_called(expert_database_url: str, tmp_path: Path):
    async with expert.backend(expert_database_url, tmp_path, allowed_addresses=[]) as guarded:
        async with guarded.work.db() as db:
            await connect_manager(
                db,
                guarded.work.settings,
                name="metadata",
                url="http://169.254.169.254",
                credential="x",
                notifications_url=None,
                by=None,
            )
        [report] = await sync_ai_models(guarded.work)
        assert "not a public address" in (report.problem or "")


async def test_the_shipped_catalogue_brings_only_the_taxa_of_what_can_be_had(backend: Backend, manager: RunningManager):
    entries = read_manifest()
    await sync_models_from_schemas(manager.work, entries, None)
    await connected(backend, manager)
    report = await synced(backend)
    assert (report.problem, report.models) == (None, len(entries))
    async with backend.work.db() as db:
        names = set(await db.scalars(select(Taxon.canonical_name)))
    assert "Capreolus capreolus" in names
    assert "Odocoileus virginianus" not in names  # of SpeciesNet, which has to be converted first


async def test_a_model_of_thousands_of_labels_is_learnt_whole(backend: Backend, manager: RunningManager):
    [known] = [one for one in read_manifest() if one.name == "speciesnet"]
    had = {**known.model_dump(mode="json"), "availability": "ready", "sha256": "e" * 64}
    await sync_models_from_schemas(manager.work, [ModelEntry.model_validate(had)], None)
    await connected(backend, manager)
    report = await synced(backend)
    assert [one.label.rpartition(";")[2] for one in report.unresolved] == []
    async with backend.work.db() as db:
        unnamed = await db.scalars(select(CategoryLabel.observation_type).where(CategoryLabel.taxon_id.is_(None)))
        assert sorted(str(one) for one in unnamed) == ["None", "human", "vehicle"]


async def test_model_tells_why_no_worker_can_run_it_until_one_can(backend: Backend, manager: RunningManager) -> None:
    await publish(manager, entry(*DETECTOR), DETECTOR[3])
    await connected(backend, manager)
    await synced(backend)
    person = await backend.person()

    async def code() -> str | None:
        [finder] = (await person.client.get("/api/ai-providers/")).json()["items"]
        return finder["blocked"] and finder["blocked"]["code"]

    assert await code() == "no-worker-for-runtime"
    body = {"name": "tester", "version": "1", "runtimes": ["onnx-cpu"]}
    token = {"Authorization": f"Bearer {await manager.enrolment_token()}"}
    (await manager.client.post("/api/workers/", json=body, headers=token)).raise_for_status()
    await refresh_blocked(backend.work)
    assert await code() is None
