"""`trapper postprocess` on a real Expert, whose operations run meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from expert.app import create_app
from expert.operations import queries
from expert.operations.register import KINDS
from expert.operations.run import run_operation
from tests.expert.postprocessing.conftest import herd
from tests.support.http_servers import serving
from tests.support.make.expert_ai import Scene
from tests.support.make.postprocessing import labels_of, stored, taxa_list
from trapper_client.app import run

__all__ = ["herd"]


@asynccontextmanager
async def working(made: Scene) -> AsyncIterator[None]:
    """Operations are run as soon as they are there."""

    async def work() -> None:
        while True:
            async with made.work.db() as db:
                waiting = await queries.waiting(db, KINDS, limit=1)
            for operation_id in waiting:
                await run_operation(made.work, operation_id)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()


async def test_methods_are_run_dry_run_and_undone_from_the_command_line(
    herd: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(work=herd.work)
    app.state.work = herd.work
    before = await stored(herd)
    await taxa_list(herd, "Cervidae")

    async def trapper(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, list(arguments))
        output = capsys.readouterr()
        return code, output.out + output.err

    mask = ("postprocess", "class-masking", "--algorithm", "demo-species", "--taxa-list", "Cervidae")
    async with serving(app) as url, working(herd):
        monkeypatch.setenv("TRAPPER_URL", url)
        monkeypatch.setenv("TRAPPER_TOKEN", herd.tokens["owner"])
        code, shown = await trapper(*mask, "--project", "deer", "--collection", "Spring", "--dry-run")
        assert (code, shown.splitlines()[-1]) == (0, "Nothing was changed (--dry-run).")
        assert await stored(herd) == before
        code, shown = await trapper(*mask, "--project", "deer")
        assert (code, "confirmed_rows 12" in shown) == (1, True)
        code, shown = await trapper(*mask, "--project", "deer", "--yes", "--set", "reweight=false")
        assert code == 0
        assert "red fox → roe deer: 3" in shown
        run_id = shown.split()[-1]
        assert set(await labels_of(herd)) == {"red deer", "roe deer"}
        code, shown = await trapper("postprocess", "undo", run_id)
        assert code == 0
        assert await stored(herd) == before
        link = str(herd.linked_collection_id)
        short = ("run_class_masking", "--collection", link, "--taxa-list", "Cervidae", "--algorithm", "demo-species")
        code, shown = await trapper(*short, "--dry-run", "--json")
        assert (code, json.loads(shown)["counters"]["checked"]) == (0, 12)
        assert (await trapper("postprocess", "size-filter", "--collection", link, "--set", "size_threshold=2"))[0] == 1
        code, shown = await trapper("postprocess", "runs", "--project", "deer", "--json")
        assert [row["dry_run"] for row in json.loads(shown)["items"]] == [True, False, True]
