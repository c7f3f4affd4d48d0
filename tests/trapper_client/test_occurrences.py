"""`trapper occurrences` and `trapper observations` on a real Expert."""

import asyncio
import json
from pathlib import Path

import pytest

from expert.app import create_app
from tests.expert.outputs.test_similar import nearest, populated
from tests.support.http_servers import serving
from tests.support.make.expert_ai import applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_client.app import run
from trapper_schemas.ids import uuid7


async def test_occurrences_are_listed_and_shown_with_what_they_come_from(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])

            async def trapper(*arguments: str) -> str:
                code = await asyncio.to_thread(run, ["occurrences", *arguments])
                printed = capsys.readouterr()
                assert code == 0, printed.err
                return printed.out

            (listed,) = json.loads(await trapper("list", "--project", "deer", "--json"))["items"]
            occurrence_id = listed["id"]
            assert listed["determination"]["taxon"]["scientific_name"] == "Vulpes vulpes"
            assert "Vulpes vulpes" in await trapper("list")
            assert "There is no occurrence yet." in await trapper("list", "--unmatched")
            shown = await trapper("show", occurrence_id)
            assert f"Occurrence {occurrence_id}: Vulpes vulpes (prediction)" in shown
            assert "red fox" in shown.splitlines()[-1]
            boar = ("identify", occurrence_id, "--taxon", "sus scrofa")
            assert "1 of 1 occurrence(s) identified." in await trapper(*boar)
            assert "owner: Sus scrofa\n" in await trapper("show", occurrence_id)
            detail = json.loads(await trapper("show", occurrence_id, "--json"))
            assert (detail["determination"]["source"], detail["chain"]) == ("identification", [])
            assert await asyncio.to_thread(run, ["occurrences", *boar[:2], str(uuid7()), *boar[2:]]) == 1
            assert "1 of 2 occurrence(s) identified." in capsys.readouterr().out
            assert await asyncio.to_thread(run, ["occurrences", *boar[:3], "Sus"]) == 2
            assert "No taxon with the scientific name 'Sus'" in capsys.readouterr().err


async def test_objects_that_look_alike_are_listed_nearest_first(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made, ids, features = await populated(work)
        order, _ = nearest(features, 5)
        app = create_app(work=work)
        app.state.work = work
        async with serving(app) as url:
            monkeypatch.setenv("TRAPPER_URL", url)
            monkeypatch.setenv("TRAPPER_TOKEN", made.tokens["owner"])
            command = ["observations", "similar", str(ids[5]), "--limit", "3"]
            assert await asyncio.to_thread(run, [*command, "--project", "deer", "--json"]) == 0
            found = json.loads(capsys.readouterr().out)["items"]
            assert [item["observation"]["id"] for item in found] == [str(ids[other]) for other in order[:3]]
            assert await asyncio.to_thread(run, command) == 0
            assert str(ids[order[0]]) in capsys.readouterr().out
            assert await asyncio.to_thread(run, [*command, "--taxon", str(uuid7())]) == 0
            assert "No other object has features to compare." in capsys.readouterr().out
