"""What the worker's status page says about the confinement of the process that runs models."""

from pathlib import Path

import httpx

from ai_worker.app import create_app
from ai_worker.devices.children import Children
from ai_worker.devices.work import ChildSettings
from tests.support.make.ai_worker import open_worker


async def test_info_tells_what_confines_the_process_that_runs_models(tmp_path: Path) -> None:
    """As the living process reports it, not as a setting wishes it."""
    async with (
        open_worker(tmp_path) as work,
        Children([ChildSettings(threads=1, readable=(str(tmp_path),))]) as children,
    ):
        before, work.devices.children = work.devices.children, children
        transport = httpx.ASGITransport(create_app(work))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as page:
            (device,) = (await page.get("/info")).json()["devices"]
        work.devices.children = before
        assert device["confinement"] == children.each[0].confinement
    assert {"files", "network"} <= set(device["confinement"])
