"""`trapper taxa` on a real Expert."""

import asyncio
import json
from pathlib import Path

import pytest

from expert.app import create_app
from expert.operations import queries
from expert.operations.register import KINDS
from expert.operations.run import run_operation
from tests.support.http_servers import serving
from tests.support.make.expert_ai import expert, scene
from trapper_client.app import run


async def test_checklist_is_imported_and_searched(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "taxa.csv"
    table.write_text("taxonID,scientificName,taxonRank,vernacularName\n7,Lutra lutra,species,otter\n,Nemo,,\n", "utf-8")
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])

            async def trapper(*arguments: str) -> tuple[int, str]:
                code = await asyncio.to_thread(run, ["taxa", *arguments])
                return code, capsys.readouterr().out

            code, projects = await asyncio.to_thread(run, ["projects", "list", "--json"]), capsys.readouterr().out
            assert code == 0
            slug = json.loads(projects)["items"][0]["slug"]
            importing = asyncio.create_task(trapper("import", str(table), "--checklist", "mine", "--project", slug))
            while not importing.done():
                async with work.db() as db:
                    for operation_id in await queries.waiting(db, KINDS, limit=1):
                        await run_operation(work, operation_id)
                await asyncio.sleep(0.1)
            code, shown = await importing
            assert (code, shown.splitlines()[-1]) == (0, "finished: 1 of 1")
            assert "Line 3: the key is empty." in shown
            code, listed = await trapper("search", "otter", "--checklist", "mine", "--json")
            (otter,) = json.loads(listed)["items"]
            assert (code, otter["scientific_name"]) == (0, "Lutra lutra")
            assert otter["keys"] == [{"checklist": "mine", "key": "7"}]


async def test_list_is_created_filled_from_a_csv_and_shown(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "species.csv"
    table.write_text("scientificName\nSus scrofa\nNemo nullus\n", "utf-8-sig")
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])

            async def trapper(*arguments: str) -> tuple[int, str]:
                code = await asyncio.to_thread(run, ["taxa-lists", *arguments])
                said = capsys.readouterr()
                return code, said.out + said.err

            assert (await trapper("create", "region", "--project", "deer"))[0] == 0
            code, shown = await trapper("add", "region", str(table), "--dry-run")
            assert (code, shown.splitlines()) == (
                0,
                ["Row 2, Nemo nullus: unknown", "1 taxa found, nothing added (--dry-run)."],
            )
            code, shown = await trapper("add", "region", str(table))
            assert code == 1
            assert "rows.1" in shown
            assert (await trapper("add", "region", str(table), "--leave-out"))[0] == 0
            code, shown = await trapper("list", "--json")
            assert [(each["name"], each["taxon_count"]) for each in json.loads(shown)["items"]] == [("region", 1)]
            assert (await trapper("add", "nobody", str(table)))[0] == 2
            table.write_text("species\nSus scrofa\n", "utf-8")
            assert (await trapper("add", "region", str(table)))[0] == 2
