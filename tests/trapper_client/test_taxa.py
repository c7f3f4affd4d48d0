"""`trapper taxa` and `trapper taxa-lists` on a real Expert."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from expert.app import create_app
from expert.operations import queries
from expert.operations.register import KINDS
from expert.operations.run import run_operation
from tests.support.http_servers import serving
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_client.app import run

Trapper = Callable[..., Awaitable[tuple[int, str]]]
"""Runs a command, and returns its exit code and what it printed."""


@pytest.fixture
async def served(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[tuple[Scene, Trapper]]:
    """A project on a running Expert, and the command that works on it as its owner."""

    async def trapper(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, list(arguments))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])
            yield made, trapper


async def test_checklist_is_imported_and_searched(served: tuple[Scene, Trapper], tmp_path: Path) -> None:
    made, trapper = served
    table = tmp_path / "taxa.csv"
    table.write_text("taxonID,scientificName,taxonRank,vernacularName\n7,Lutra lutra,species,otter\n,Nemo,,\n", "utf-8")
    importing = asyncio.create_task(trapper("taxa", "import", str(table), "--checklist", "mine", "--project", "deer"))
    while not importing.done():
        async with made.work.db() as db:
            for operation_id in await queries.waiting(db, KINDS, limit=1):
                await run_operation(made.work, operation_id)
        await asyncio.sleep(0.1)
    code, shown = await importing
    assert code == 0
    assert "finished: 1 of 1" in shown.splitlines()
    assert "Line 3: the key is empty." in shown
    code, listed = await trapper("taxa", "search", "otter", "--checklist", "mine", "--json")
    (otter,) = json.loads(listed)["items"]
    assert (code, otter["scientific_name"]) == (0, "Lutra lutra")
    assert otter["keys"] == [{"checklist": "mine", "key": "7"}]


async def test_list_is_created_filled_from_a_csv_and_shown(served: tuple[Scene, Trapper], tmp_path: Path) -> None:
    _, trapper = served
    table = tmp_path / "species.csv"
    table.write_text("scientificName\nSus scrofa\nNemo nullus\n", "utf-8-sig")
    assert (await trapper("taxa-lists", "create", "region", "--project", "deer"))[0] == 0
    code, shown = await trapper("taxa-lists", "add", "region", str(table), "--dry-run")
    assert (code, shown.splitlines()) == (
        0,
        ["Row 2, Nemo nullus: unknown", "1 taxa found, nothing added (--dry-run)."],
    )
    code, shown = await trapper("taxa-lists", "add", "region", str(table))
    assert code == 1
    assert "rows.1" in shown
    assert (await trapper("taxa-lists", "add", "region", str(table), "--leave-out"))[0] == 0
    code, shown = await trapper("taxa-lists", "list", "--json")
    assert [(each["name"], each["taxon_count"]) for each in json.loads(shown)["items"]] == [("region", 1)]
    assert (await trapper("taxa-lists", "add", "nobody", str(table)))[0] == 2
    table.write_text("species\nSus scrofa\n", "utf-8")
    assert (await trapper("taxa-lists", "add", "region", str(table)))[0] == 2
