"""What can happen to a fleet: each kind does it for real, and says whom it hit, or that it hit nobody."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.chaos.disturb import replay_link, trouble_link
from tests.chaos.kill import freeze, freeze_child, freeze_worker, kill, kill_child, kill_worker
from tests.chaos.machines import MANAGERS, Fleet
from tests.chaos.mislead import fill_disk, let_lie, skew_clock
from tests.chaos.restart import flush_valkey, restart_postgres, restart_valkey
from tests.support.chaos_proxy import Trouble

Do = Callable[[Fleet, Random], Awaitable[str | None]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault; of each family a short storm brings one, a long storm brings every kind."""

    name: str
    family: str
    do: Do


def kinds() -> list[Kind]:
    """All of them."""
    return [*_of_processes(), *_of_servers(), *_of_links(), *_of_machines()]


def _of_processes() -> Iterable[Kind]:
    managers = [f"manager-{one}" for one in MANAGERS]
    groups: dict[str, Callable[[Fleet], Sequence[str]]] = {
        "expert web": lambda _: ["expert"],
        "expert tasks": lambda _: ["expert-tasks"],
        "manager web": lambda _: managers,
        "manager tasks": lambda _: [f"{name}-tasks" for name in managers],
    }
    for group, names in groups.items():
        yield Kind(f"kill -9 {group}", "kill service", partial(kill, names))
        yield Kind(f"freeze {group} longer than a lease", "freeze service", partial(freeze, names))
    yield Kind("kill -9 worker with a leased batch", "kill worker", kill_worker)
    yield Kind("kill -9 inference child with a leased batch", "kill worker", kill_child)
    yield Kind("freeze worker until its lease is taken back", "freeze worker", freeze_worker)
    yield Kind("freeze inference child longer than a lease", "freeze worker", freeze_child)


def _of_servers() -> Iterable[Kind]:
    yield Kind("flush valkey", "valkey", flush_valkey)
    yield Kind("kill -9 and restart valkey", "valkey", restart_valkey)
    yield Kind("immediate stop and restart of postgres", "postgres", restart_postgres)


def _of_links() -> Iterable[Kind]:
    ways: dict[str, Callable[[Fleet], Sequence[str]]] = {
        "worker to manager": lambda fleet: [f"{name} to manager" for name in fleet.worker_names],
        "expert to manager": lambda _: ["expert to manager"],
        "worker to media": lambda _: ["worker to media"],
        "people to expert": lambda _: ["people to expert"],
        "manager to postgres": lambda _: [f"manager-{one} to postgres" for one in MANAGERS],
    }
    for way, names in ways.items():
        for trouble in Trouble:
            yield Kind(f"{trouble.value}, {way}", trouble.value, partial(trouble_link, names, trouble))
        if way != "manager to postgres":
            yield Kind(f"every request twice more and later, {way}", "replay", partial(replay_link, names))


def _of_machines() -> Iterable[Kind]:
    yield Kind("full disk under a worker", "disk", partial(fill_disk, "disk"))
    yield Kind("full disk in the spool", "spool", partial(fill_disk, "spool"))
    yield Kind("clock wrong by ten minutes, worker", "clock", partial(skew_clock, "worker"))
    yield Kind("clock wrong by ten minutes, manager", "clock", partial(skew_clock, "manager"))
    yield Kind("a hostile worker, until every lie of it was refused", "lies", let_lie)
