"""Storms over a whole fleet: whatever happens, every picture of every job ends once, and as it should."""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.chaos import truth
from tests.chaos.faults import Kind, kinds
from tests.chaos.machines import Fleet
from tests.chaos.people import People
from tests.chaos.report import diagnosis, keep, lies, summary
from tests.chaos.storm import Log, blow
from tests.support.chaos_pictures import picture
from tests.support.servers import SMALL
from trapper_cli.postgres import EmbeddedPostgres
from trapper_cli.valkey import EmbeddedValkey

pytestmark = [pytest.mark.xdist_group("chaos")]
DURABLE = {**SMALL, "fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "shared_buffers": "32MB"}
"""A server that is killed keeps what it said it has; only a power cut would take it, and nobody pulls the plug here."""
QUIET_SECONDS = 300.0
STORMS = 3


class Weather:
    """One fleet with its people, and what was done to it."""

    def __init__(self, fleet: Fleet, rng: Random, seed: int) -> None:
        self.fleet, self.rng, self.seed = fleet, rng, seed
        self.people = People(fleet, rng)
        self.log = Log()

    async def storm(self, pack: Sequence[Kind], *, pictures: int) -> None:
        """Faults while people upload; then quiet, and everything is true."""
        over = asyncio.Event()
        uploading = asyncio.create_task(self.people.upload_until(over, at_most=len(self.people.pictures) + pictures))
        try:
            await blow(self.fleet, pack, self.rng, self.log)
        finally:
            over.set()
            await uploading
        await self.fleet.ready()
        await self.quiet()
        assert await truth.broken(self.fleet, self.people) == []

    async def quiet(self) -> None:
        """Until nothing is under way any more; nobody helps."""
        left: list[str] = ["everything"]
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while left:
                    await asyncio.sleep(0.5)
                    left = truth.unfinished(await truth.read(self.fleet), self.people.pictures)
        except TimeoutError:
            raise AssertionError(f"not quiet after {QUIET_SECONDS:.0f} s: {left}") from None
        self.log.note("quiet")

    async def calm(self) -> None:
        """Without any fault: a deadly picture fails alone, and what the storm gave up is seen when asked for again."""
        await self.fleet.calm_down()
        self.log.note("calm")
        if given_up := truth.given_up(await truth.read(self.fleet), self.people.pictures):
            await self.people.ask(given_up)
        wave = [picture(number % 4) for number in range(11)]
        deadly = picture(0, poison=True)
        await self.people.upload([*wave[:6], deadly, *wave[6:]])
        await self.quiet()
        assert await truth.broken(self.fleet, self.people) == []
        told = await truth.read(self.fleet)
        assert truth.given_up(told, self.people.pictures) == []
        of_wave = {one.resource_id for one in [*wave, deadly]}
        failed = [row for row in told.outcomes if str(row["resource_id"]) in of_wave and row["outcome"] == "failed"]
        assert [(str(row["resource_id"]), row["code"]) for row in failed] == [(deadly.resource_id, "killed-worker")]

    async def report(self, pack: Sequence[Kind]) -> str:
        told = await truth.read(self.fleet)
        return summary(self.fleet, self.people, self.log, told, kinds=pack, seed=self.seed)

    def assert_all_happened(self, pack: Sequence[Kind]) -> None:
        """Every kind of fault hit somebody, and no lie was believed."""
        assert [kind.name for kind in pack if not self.log.injected[kind.name]] == []
        assert [one for one in lies(self.fleet) if int(str(one["status"])) < 400] == []


@asynccontextmanager
async def fleet_of(workers: int) -> AsyncIterator[Weather]:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    with tempfile.TemporaryDirectory(prefix="trapper-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            EmbeddedPostgres(folder / "pg", options=DURABLE) as postgres,
            EmbeddedValkey(folder / "valkey") as valkey,
        ):
            rng = Random(seed)  # noqa: S311 - to be shaken again, no secret
            weather = Weather(Fleet(folder, rng, postgres, valkey, workers), rng, seed)
            try:
                await weather.fleet.start()
                await weather.people.begin()
                weather.log.note("started")
                yield weather
            except BaseException:
                sys.stdout.write(diagnosis(weather.fleet, weather.log, seed))
                raise
            finally:
                await weather.fleet.stop()
                keep(weather.fleet, weather.log)


def one_of_each_family(rng: Random) -> list[Kind]:
    families: dict[str, list[Kind]] = {}
    for kind in kinds():
        families.setdefault(kind.family, []).append(kind)
    return [rng.choice(members) for members in families.values()]


@pytest.mark.timeout(600)
async def test_a_short_storm_changes_nothing(record_property) -> None:
    async with fleet_of(workers=2) as weather:
        pack = one_of_each_family(weather.rng)
        await weather.storm(pack, pictures=60)
        await weather.calm()
        record_property("summary", await weather.report(pack))
        weather.assert_all_happened(pack)


@pytest.mark.slow
@pytest.mark.timeout(890)
async def test_storms_of_every_kind_change_nothing(record_property) -> None:
    async with fleet_of(workers=4) as weather:
        pack = weather.rng.sample(kinds(), len(kinds()))
        for part in range(STORMS):
            await weather.storm(pack[part::STORMS], pictures=150)
        await weather.calm()
        record_property("summary", await weather.report(kinds()))
        weather.assert_all_happened(pack)
