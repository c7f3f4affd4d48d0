"""`trapper occurrences` on a real Expert."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from expert.access.state import Caller
from expert.app import create_app
from expert.occurrences.identify import NewIdentification, identify_many
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
            async with work.db() as db:
                caller = Caller(made.user_ids["owner"], "owner@example.org", False)
                boar = NewIdentification(UUID(occurrence_id), made.taxa["Sus scrofa"])
                await identify_many(db, caller, [boar], now=work.clock.now())
            assert "owner: Sus scrofa\n" in await trapper("show", occurrence_id)
            detail = json.loads(await trapper("show", occurrence_id, "--json"))
            assert (detail["determination"]["source"], detail["chain"]) == ("identification", [])
