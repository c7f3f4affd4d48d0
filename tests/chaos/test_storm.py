"""Storms over a whole fleet: whatever happens, every picture of every job ends once, and as it should."""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import httpx
import pytest

from expert.app import contract_app
from tests.chaos import traces, truth
from tests.chaos.faults import Kind, kinds
from tests.chaos.machines import Fleet
from tests.chaos.people import People
from tests.chaos.plants import PLANTS, planted
from tests.chaos.report import diagnosis, keep, summary
from tests.chaos.storm import Log, blow
from tests.support.chaos_pictures import Fate, picture
from tests.support.fuzz import fuzz_all
from tests.support.servers import SMALL
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey

DURABLE = {**SMALL, "fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "shared_buffers": "32MB"}
"""A server that is killed keeps what it said it has; only a power cut would take it, and nobody pulls the plug here."""
STILL_SECONDS = 180.0
STORMS = 3
BATCHES = 100
"""In each long storm there are more."""
ATTACK_SECONDS = 60.0


class Weather:
    """One fleet with its people, and what was done to it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.people = People(fleet, fleet.stream("people"))
        self.log = Log()
        self.storms = 0

    async def storm(self, pack: Sequence[Kind], *, throng: int, asked: int, later: int) -> int:
        """Faults while people upload and ask; then quiet, and everything is true. How many batches were in it."""
        self.storms += 1
        before = len((await truth.read(self.fleet)).batches)
        over = asyncio.Event()
        uploading = asyncio.create_task(self._people(over, throng=throng, asked=asked, later=later))
        try:
            await blow(self.fleet, pack, self.fleet.stream(f"storm {self.storms}"), self.log)
        finally:
            over.set()
            await uploading
        await self.fleet.ready()
        await self.quiet()
        assert await truth.broken(self.fleet, self.people) == []
        return len((await truth.read(self.fleet)).batches) - before

    async def _people(self, over: asyncio.Event, *, throng: int, asked: int, later: int) -> None:
        await self.people.throng(throng, asked=asked)
        await self.people.upload_until(over, at_most=len(self.people.pictures) + later)

    async def quiet(self) -> None:
        """Until nothing is under way any more; nobody helps. A slow machine may take its time while something moves."""
        left, moved = ["everything"], time.monotonic()
        while left:
            await asyncio.sleep(0.5)
            now = truth.unfinished(await truth.read(self.fleet), self.people.pictures)
            if now != left:
                left, moved = now, time.monotonic()
            assert time.monotonic() - moved < STILL_SECONDS, f"for {STILL_SECONDS:.0f} s nothing moves: {left}"
        self.log.note("quiet")

    async def calm(self) -> None:
        """Without any fault: a deadly picture fails alone, and what the storm gave up is seen when asked for again."""
        for link in self.fleet.links.values():
            link.every = 0
        await self.fleet.calm_down()
        self.log.note("calm")
        if given_up := truth.given_up(await truth.read(self.fleet), self.people.pictures):
            await self.people.ask(given_up)
        wave = [picture(number % 4) for number in range(11)]
        deadly = picture(0, Fate.DEADLY)
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
        return summary(self.fleet, self.people, self.log, told, kinds=pack, seed=self.fleet.seed)

    async def assert_all_happened(self, pack: Sequence[Kind], left: Sequence[str]) -> None:
        """Every kind of fault hit somebody and left what it must leave, and no lie was believed."""
        assert [kind.name for kind in pack if not self.log.injected[kind.name]] == []
        assert [one for one in traces.lies(self.fleet) if int(str(one["status"])) < 400] == []
        found = traces.traces(self.fleet, await truth.read(self.fleet))
        assert [what for what in left if not found[what]] == []


EVERY_DAY = 333_409
"""The seed of the short storm: whoever changes one line meets the same weather as yesterday; new dice are thrown by
`make test-chaos`."""


@asynccontextmanager
async def fleet_of(workers: int, *, usual: int | None = None) -> AsyncGenerator[Weather]:
    """So many workers, and dice that are thrown anew each time, unless a storm has its usual ones."""
    seed = int(os.environ.get("CHAOS_SEED") or usual or secrets.randbelow(1_000_000))
    with tempfile.TemporaryDirectory(prefix="trapper-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            EmbeddedPostgres(folder / "pg", options=DURABLE) as postgres,
            EmbeddedValkey(folder / "valkey") as valkey,
        ):
            weather = Weather(Fleet(folder, seed, postgres, valkey, workers))
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


@pytest.mark.timeout(890)
@pytest.mark.slow
async def test_a_short_storm_changes_nothing_and_planted_errors_would_be_seen(
    record_property: Callable[[str, object], None],
) -> None:
    async with fleet_of(workers=2, usual=EVERY_DAY) as weather:
        pack = one_of_each_family(weather.fleet.stream("pack"))
        await weather.storm(pack, throng=24, asked=24, later=40)
        await weather.calm()
        record_property("summary", await weather.report(pack))
        await weather.assert_all_happened(pack, traces.OF_EVERY_STORM)
        for plant in PLANTS:
            async with planted(weather.fleet, plant):
                found = await truth.broken_rules(weather.fleet, weather.people.pictures)
            assert [sentence for sentence in found if plant.seen_as in sentence], (plant.name, found)
        assert await truth.broken(weather.fleet, weather.people) == []


@pytest.mark.slow
@pytest.mark.timeout(890)
async def test_storms_of_every_kind_change_nothing(
    record_property: Callable[[str, object], None],
) -> None:
    async with fleet_of(workers=4) as weather:
        pack = weather.fleet.stream("pack").sample(kinds(), len(kinds()))
        batches = [await weather.storm(pack[part::STORMS], throng=200, asked=400, later=100) for part in range(STORMS)]
        await weather.calm()
        record_property("summary", await weather.report(kinds()))
        await weather.assert_all_happened(pack, traces.OF_EVERY_LONG_STORM)
        assert min(batches) > BATCHES, batches
        await attack(weather.fleet)


async def attack(fleet: Fleet) -> None:
    """Generated requests at an Expert that a storm has gone over: no 500, and no reply that its contract has not."""
    headers = {"Authorization": f"Bearer {fleet.token}"}
    async with (
        httpx.AsyncClient(base_url=fleet.expert_url, headers=headers, trust_env=False) as admin,
        httpx.AsyncClient(base_url=fleet.expert_url, trust_env=False) as nobody,
    ):
        await fuzz_all(contract_app(), {"admin": admin, "nobody": nobody}, {}, ATTACK_SECONDS)
