"""`trapper models pin` and `retire` against a real Manager: what is proposed is shown, and an operator decides."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ai_manager.catalog.propose_pin import propose_pins
from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from tests.support.catalogue_operators import Operator, operating
from tests.support.make.ai_manager import model_entry
from tests.support.weights_servers import WeightsServer, serving_weights
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import ModelEntry
from trapper_schemas.v1.workers import PinProposal

CONTENT = b"weights that somebody published"
FOUND = hashlib.sha256(CONTENT).hexdigest()
ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def weights() -> Iterator[WeightsServer]:
    with serving_weights() as server:
        server.files["/unseen.onnx"] = CONTENT
        yield server


@pytest.fixture
async def operator(
    ai_manager_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    weights: WeightsServer,
) -> AsyncIterator[Operator]:
    async with operating(ai_manager_database_url, tmp_path, monkeypatch, capsys) as one:
        sources = [{"url": f"{weights.url}/unseen.onnx", "file_name": "unseen.onnx"}]
        entries = [model_entry(name="unseen", sha256=None, sources=sources), model_entry(name="seen")]
        await sync_models_from_schemas(one.manager.work, [ModelEntry.model_validate(each) for each in entries], None)
        yield one


async def propose(operator: Operator, sha256: str, worker: str) -> None:
    work = operator.manager.work
    pin = PinProposal(name="unseen", version="1", sha256=sha256, size_bytes=100)
    async with work.db() as db:
        await propose_pins(db, [pin], worker_id=uuid7(), worker_name=worker, now=work.clock.now())


async def test_without_a_proposal_the_file_is_downloaded_and_hashed_here(operator: Operator, tmp_path: Path) -> None:
    told = await operator.said("pin", "unseen", "--yes")
    assert (told["source"], told["model"]["sha256"], told["model"]["pinned"]) == ("downloaded", FOUND, True)
    assert "licence MIT" in operator.err
    listed = {one["name"]: one for one in (await operator.said("list"))["items"]}
    assert (listed["unseen"]["sha256"], listed["unseen"]["state"]) == (FOUND, "published")
    assert [path for path in (tmp_path / "var").rglob("*") if path.is_file()] == []


async def test_one_proposal_is_taken_when_nothing_contradicts_it(operator: Operator, weights: WeightsServer) -> None:
    await propose(operator, ONE, "field-laptop")
    told = await operator.said("pin", "unseen", "--yes")
    assert (told["source"], told["model"]["sha256"]) == ("proposed", ONE)
    assert "field-laptop" in operator.err
    assert weights.asked == []


async def test_proposals_that_contradict_each_other_are_shown_and_none_is_chosen(operator: Operator) -> None:
    await propose(operator, ONE, "first")
    await propose(operator, TWO, "second")
    assert await operator.does("pin", "unseen", "--yes") == 2
    assert all(word in operator.err for word in (ONE, TWO, "first", "second", "--sha256"))
    shown = await operator.said("pin", "unseen", "--list")
    assert [one["sha256"] for one in shown["proposals"]] == [ONE, TWO]
    assert (await operator.said("pin", "unseen", "--sha256", TWO))["model"]["sha256"] == TWO


async def test_a_pin_stays(operator: Operator) -> None:
    await operator.said("pin", "unseen", "--sha256", ONE)
    assert await operator.does("pin", "unseen", "--sha256", TWO) == 1
    assert f"pinned to {ONE} already" in operator.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("pin", "unseen"), 2, "This is not a terminal"),
        (("pin", "nobody-knows"), 2, "no model 'nobody-knows'"),
        (("pin", "unseen", "--version", "9"), 2, "no model 'unseen' 9"),
        (("pin", "unseen@1", "--version", "2"), 2, "contradict each other"),
        (("pin", "unseen", "--sha256", "abc"), 2, "no sha256"),
        (("pin", "seen", "--yes"), 1, "already"),
        (("retire", "nobody-knows"), 2, "no model"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    operator: Operator, words: tuple[str, ...], code: int, told: str
) -> None:
    assert await operator.does(*words) == code
    assert told in operator.err
    assert "Traceback" not in operator.err


async def test_a_source_that_is_gone_pins_nothing(operator: Operator, weights: WeightsServer) -> None:
    weights.files.clear()
    assert await operator.does("pin", "unseen", "--yes") == 1
    assert "answered with 404" in operator.err
    rows = await operator.manager.rows("select sha256 from models where name = 'unseen'")
    assert rows == [{"sha256": None}]


async def test_a_model_is_retired_and_taken_into_use_again(operator: Operator) -> None:
    assert (await operator.said("retire", "seen"))["model"]["state"] == "retired"
    assert "seen" not in {one["name"] for one in (await operator.said("list"))["items"]}
    assert {one["name"]: one["state"] for one in (await operator.said("list", "--all"))["items"]}["seen"] == "retired"
    assert (await operator.said("retire", "seen", "--undo"))["model"]["state"] == "published"
    assert "seen" in {one["name"] for one in (await operator.said("list"))["items"]}
