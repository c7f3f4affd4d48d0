"""The catalogue: immutable versions, weights that are what they say, and a sync that respects operators."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ai_manager.access.state import Scope
from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from tests.support.make.ai_manager import (
    DETECTOR_SHA256,
    WEIGHTS,
    Manager,
    in_pieces,
    model_entry,
)
from trapper_schemas.catalog import DATA, manifest_schema, read_manifest, read_proofs
from trapper_schemas.v1.models import ModelEntry

PATH = f"/api/models/{DETECTOR_SHA256}/weights"


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    return await manager.token(Scope.PUBLISH, name="operator")


async def test_publishing_again_changes_nothing_and_another_entry_is_refused(
    manager: Manager, operator: dict[str, str]
) -> None:
    async def publish(entry: dict[str, Any]) -> tuple[int, str]:
        answer = await manager.http.post("/api/models/", json={"entry": entry}, headers=operator)
        return answer.status_code, answer.json().get("type", "")

    assert await publish(model_entry()) == (200, "")
    assert await publish(model_entry(licence="GPL-3.0")) == (409, "model-immutable")
    assert await publish(model_entry(sha256="9" * 64)) == (409, "model-immutable")
    assert (await publish(model_entry(name="the-same-weights")))[0] == 201
    assert await publish(model_entry(name="no-hash", sha256=None)) == (422, "invalid")
    assert (await publish(model_entry(version="2", sha256="8" * 64)))[0] == 201


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "none"}, "'none' is a reserved word"),
        ({"name": "Auto"}, "'Auto' is a reserved word"),
        ({"name": "NONE"}, "'NONE' is a reserved word"),
        ({"name": "demo-better"}, "names that begin with 'demo-'"),
        ({"name": "Demo-better"}, "names that begin with 'demo-'"),
        ({"kind": "classification", "version": "7"}, "is the name of a detection model"),
        ({"kind": "classification", "version": "7", "upper": True}, "is the name of a detection model"),
    ],
)
async def test_names_that_stand_for_something_else_are_refused(
    manager: Manager, operator: dict[str, str], changes: dict[str, Any], told: str
) -> None:
    if changes.pop("upper", False):
        changes["name"] = model_entry()["name"].upper()
    answer = await manager.http.post("/api/models/", json={"entry": model_entry(**changes)}, headers=operator)
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid")
    (error,) = answer.json()["errors"]
    assert error["loc"] == ["body", "entry.name"]
    assert told in error["message"]


async def test_weights_come_in_under_their_hash_and_go_out_by_range(manager: Manager, operator: dict[str, str]) -> None:
    assert (await manager.http.get(PATH, headers=operator)).status_code == 404
    sent = await manager.http.put(PATH, content=in_pieces(WEIGHTS, 5), headers=operator)
    assert (sent.status_code, sent.json()["held"]) == (200, True)
    whole = await manager.http.get(PATH, headers=operator)
    assert (whole.status_code, whole.content) == (200, WEIGHTS)
    for asked, expected in (("bytes=4-9", WEIGHTS[4:10]), ("bytes=20-", WEIGHTS[20:]), ("bytes=-3", WEIGHTS[-3:])):
        part = await manager.http.get(PATH, headers={**operator, "Range": asked})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["Content-Range"].endswith(f"/{len(WEIGHTS)}")
    for nonsense in ("bytes=99-", "bytes=5-4", "bytes=-", "lines=1-2"):
        refused = await manager.http.get(PATH, headers={**operator, "Range": nonsense})
        assert (refused.status_code, refused.json()["type"]) == (416, "range-refused")


async def test_weights_that_are_here_are_here_under_every_name(manager: Manager, operator: dict[str, str]) -> None:
    async def publish(name: str) -> dict[str, Any]:
        entry = model_entry(name=name, sources=[])
        return (await manager.http.post("/api/models/", json={"entry": entry}, headers=operator)).json()

    assert (await publish("before"))["state"] == "draft"
    await manager.http.put(PATH, content=WEIGHTS, headers=operator)
    after = await publish("after")
    assert (after["held"], after["state"]) == (True, "published")
    listed = (await manager.http.get("/api/models/", headers=operator)).json()["items"]
    assert {each["name"]: (each["held"], each["state"]) for each in listed}["before"] == (True, "published")
    named = (await manager.http.get("/api/models/", params={"name": "EFOR"}, headers=operator)).json()["items"]
    assert [each["name"] for each in named] == ["before"]


async def test_weights_with_a_wrong_hash_are_refused_and_nothing_is_kept(
    manager: Manager, operator: dict[str, str]
) -> None:
    refused = await manager.http.put(PATH, content=in_pieces(WEIGHTS + b"!", 5), headers=operator)
    assert (refused.status_code, refused.json()["type"]) == (422, "weights-differ")
    folder = manager.work.settings.blobs_dir
    assert folder is not None
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert (await manager.http.get(PATH, headers=operator)).status_code == 404
    unknown = await manager.http.put(f"/api/models/{'7' * 64}/weights", content=b"x", headers=operator)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "model-not-found")


async def test_an_entry_without_sources_is_a_draft_until_its_weights_are_here(
    manager: Manager, operator: dict[str, str]
) -> None:
    content = b"other weights"
    sha256 = hashlib.sha256(content).hexdigest()
    entry = model_entry(name="mine", sha256=sha256, sources=[])
    assert (await manager.http.post("/api/models/", json={"entry": entry}, headers=operator)).json()["state"] == "draft"
    sent = await manager.http.put(f"/api/models/{sha256}/weights", content=content, headers=operator)
    assert sent.json()["state"] == "published"
    read = await manager.http.get(f"/api/models/{sha256}/", headers=operator)
    assert (read.json()["held"], read.json()["origin"]) == (True, "operator")


def _entry(**changes: Any) -> ModelEntry:
    return ModelEntry.model_validate(model_entry(name="shipped", sha256="3" * 64, **changes))


async def test_a_sync_is_idempotent_and_leaves_what_operators_added(manager: Manager) -> None:
    first = await sync_models_from_schemas(manager.work, [_entry()], None)
    again = await sync_models_from_schemas(manager.work, [_entry()], None)
    changed = await sync_models_from_schemas(manager.work, [_entry(description="better told")], None)
    assert (first.added, again.added, again.changed, changed.changed) == (["shipped"], [], [], ["shipped"])
    gone = await sync_models_from_schemas(manager.work, [], None)
    assert gone.retired == ["shipped"]
    assert await manager.rows("select name, state from models order by name") == [
        {"name": "shipped", "state": "retired"},
        {"name": "test-detector", "state": "published"},
    ]
    back = await sync_models_from_schemas(manager.work, [_entry()], None)
    assert (back.added, back.changed) == ([], ["shipped"])


async def test_a_golden_run_of_the_manifest_is_published_with_its_entry_and_follows_it(
    manager: Manager, operator: dict[str, str]
) -> None:
    shipped = {(entry.name, entry.version): entry for entry in read_manifest()}
    proofs = read_proofs()
    entries = [shipped[name] for name in proofs]
    first = await sync_models_from_schemas(manager.work, entries, None, proofs)
    again = await sync_models_from_schemas(manager.work, entries, None, proofs)
    assert (sorted(first.proved), again.proved) == (["demo-detector", "demo-species"], [])
    for (name, version), proof in proofs.items():
        sha256 = shipped[name, version].sha256
        told = await manager.http.get(f"/api/models/{sha256}/proof/", params={"name": name}, headers=operator)
        assert told.json() == proof.model_dump(mode="json")
    better = {name: proof.model_copy(update={"checksum": "better"}) for name, proof in proofs.items()}
    assert len((await sync_models_from_schemas(manager.work, entries, None, better)).proved) == len(proofs)


async def test_the_golden_run_of_what_an_operator_published_is_not_the_manifest_s(manager: Manager) -> None:
    (proof, *_) = read_proofs().values()
    synced = await sync_models_from_schemas(manager.work, [], None, {("test-detector", "1"): proof})
    assert synced.proved == []


async def test_other_weights_under_the_same_version_are_another_row(manager: Manager) -> None:
    await sync_models_from_schemas(manager.work, [_entry()], None)
    other = ModelEntry.model_validate(model_entry(name="shipped", sha256="4" * 64))
    await sync_models_from_schemas(manager.work, [other], None)
    rows = await manager.rows("select sha256, state from models where name = 'shipped' order by sha256")
    assert rows == [{"sha256": "3" * 64, "state": "retired"}, {"sha256": "4" * 64, "state": "published"}]


async def test_an_operator_completes_what_the_manifest_left_unpinned(
    manager: Manager, operator: dict[str, str]
) -> None:
    unpinned = ModelEntry.model_validate(model_entry(name="shipped", sha256=None))
    await sync_models_from_schemas(manager.work, [unpinned], None)
    entry = model_entry(name="shipped", sha256="5" * 64)
    pinned = await manager.http.post("/api/models/", json={"entry": entry}, headers=operator)
    assert (pinned.status_code, pinned.json()["sha256"]) == (200, "5" * 64)
    synced = await sync_models_from_schemas(manager.work, [unpinned], None)
    assert synced.kept == ["shipped"]
    assert (await manager.rows("select sha256 from models where name = 'shipped'")) == [{"sha256": "5" * 64}]


async def test_weights_are_seeded_by_name_and_hash_only(manager: Manager, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "detector.onnx").write_bytes(b"something else")
    entry = ModelEntry.model_validate(model_entry())
    assert (await sync_models_from_schemas(manager.work, [entry], folder)).seeded == []
    (folder / "detector.onnx").write_bytes(WEIGHTS)
    assert (await sync_models_from_schemas(manager.work, [entry], folder)).seeded == ["test-detector"]
    assert (await sync_models_from_schemas(manager.work, [entry], folder)).seeded == []
    assert await manager.rows("select held_bytes from models") == [{"held_bytes": len(WEIGHTS)}]


async def test_the_shipped_manifest_is_taken_whole(manager: Manager) -> None:
    weights = Path(__file__).parents[3] / "models" / "weights"
    entries = read_manifest()
    synced = await sync_models_from_schemas(manager.work, entries, weights)
    assert len(synced.added) == len(entries)
    assert sorted(synced.seeded) == ["demo-detector", "demo-species"]


def test_the_pins_of_the_demo_models_are_those_of_the_shipped_files() -> None:
    sums = (Path(__file__).parents[3] / "models" / "weights" / "SHA256SUMS").read_text().split("\n")
    shipped = {line.split()[1]: line.split()[0] for line in sums if line}
    pins = {entry.sources[0].file_name: entry.sha256 for entry in read_manifest() if entry.name.startswith("demo-")}
    assert pins == shipped


def test_no_model_that_may_not_be_passed_on_is_ready() -> None:
    assert [one.name for one in read_manifest() if "AGPL" in one.licence and one.availability == "ready"] == []


def test_the_schema_beside_the_manifest_is_the_one_of_its_types() -> None:
    assert json.loads((DATA / "model_manifest.schema.json").read_text()) == manifest_schema()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spec": {**model_entry()["spec"], "labels": []}}, "labels"),
        ({"description": "a\x00b"}, "entry"),
        ({"version": "1\x00"}, "version"),
        ({"spec": {**model_entry()["spec"], "preprocessing": {"width": 64, "height": 64, "std": 0}}}, "preprocessing"),
        ({"sources": [{"url": "ftp://example.org/a.onnx", "file_name": "a.onnx"}]}, "url"),
        ({"sources": [{"path": "../a.onnx", "file_name": "a.onnx"}]}, "sources"),
        ({"sha256": "f" * 63}, "sha256"),
        ({"name": "a b"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"licence": "x" * 101}, "licence"),
    ],
)
async def test_an_entry_that_cannot_be_right_is_refused_by_its_field(
    manager: Manager, operator: dict[str, str], changes: dict[str, Any], field: str
) -> None:
    body = {"entry": model_entry(**{"name": "fresh", "sha256": "6" * 64, **changes})}
    refused = await manager.http.post("/api/models/", json=body, headers=operator)
    assert (refused.status_code, refused.json()["type"]) == (422, "invalid")
    assert field in str(refused.json()["errors"])
    assert await manager.rows("select name from models where name <> 'test-detector'") == []


async def test_names_that_no_entry_has_are_no_errors_of_ours(manager: Manager, operator: dict[str, str]) -> None:
    for path in ("/api/models/?name=%00", "/api/models/a%00/pins/?version=1", "/api/models/a/pins/?version=%00"):
        assert (await manager.http.get(path, headers=operator)).status_code == 422
    body = {"version": "1\x00", "sha256": "1" * 64}
    assert (await manager.http.post("/api/models/a/pin/", json=body, headers=operator)).status_code == 422
