"""`trapper workers`: the machines that compute."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from trapper_client.errors import Failure, WrongUsage
from trapper_client.manager import ManagerClient
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Workers: the machines that compute.", no_args_is_help=True)

One = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's name or id.", show_default=False)]
OneOrAll = Annotated[
    str | None, typer.Argument(metavar="[WORKER]", help="The worker's name or id.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="Every worker.")]


@group.command("list")
def list_workers(*, as_json: Json = False) -> None:
    """Lists the fleet: who is alive, on which device, how fast, with how much in hand."""
    with connect_manager() as manager:
        workers = manager.workers()
    if as_json:
        answer(workers)
        return
    columns = ("name", "state", "version", "runtimes", "devices", "batches", "images/s", "lost", "seen")
    rows = (
        (
            worker["name"],
            worker["state"],
            worker["version"],
            ", ".join(worker["runtimes"]),
            ", ".join(_devices(worker)),
            worker["leases"],
            max(worker["images_per_second"].values(), default=None),
            sum(worker["losses"].values()) or None,
            ago(worker["seen_at"]),
        )
        for worker in workers
    )
    table(columns, rows, empty="No worker has enrolled yet. A token for one: trapper workers token")


@group.command("show")
def show(worker: One, *, as_json: Json = False) -> None:
    """Shows one worker: its devices with their load, what it measured, holds and lost."""
    with connect_manager() as manager:
        found = manager.worker(_find(manager, worker))
    if as_json:
        answer(found)
        return
    losses = ", ".join(f"{count} {loss}" for loss, count in found["losses"].items())
    speeds = ", ".join(f"{speed:.3g} images/s with {model[:12]}" for model, speed in found["images_per_second"].items())
    rows = (
        ("id", found["id"]),
        ("name", found["name"]),
        ("state", found["state"]),
        ("version", found["version"]),
        ("runtimes", ", ".join(found["runtimes"])),
        ("devices", ", ".join(_devices(found))),
        ("measured", speeds),
        ("batches in hand", found["leases"]),
        ("not finished", losses or "nothing"),
        ("models at hand", found["models_on_disk"]),
        ("project", found["project"] or "all"),
        ("works offline", found["offline"]),
        ("enrolled at", found["enrolled_at"]),
        ("seen", ago(found["seen_at"])),
        ("revoked at", found["revoked_at"]),
    )
    table(("", ""), (row for row in rows if row[1] is not None))


@group.command("pause")
def pause(worker: OneOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Lets a worker finish what it holds and take nothing new, until it is resumed."""
    _instruct("pause", worker, everybody=everybody, as_json=as_json)


@group.command("resume")
def resume(worker: OneOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Takes a pause, or a drain that has not ended yet, back."""
    _instruct("resume", worker, everybody=everybody, as_json=as_json)


@group.command("drain")
def drain(worker: OneOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Lets a worker finish what it holds, and leave."""
    _instruct("drain", worker, everybody=everybody, as_json=as_json)


@group.command("revoke")
def revoke(worker: One, *, as_json: Json = False) -> None:
    """Ends a worker's credential at once; its batches are handed out again."""
    with connect_manager() as manager:
        worker_id = _find(manager, worker)
        manager.revoke_worker(worker_id)
    if as_json:
        answer({"revoked": worker_id})
    else:
        say(f"Worker {worker_id} is revoked; its batches are handed out again.")


def _instruct(order: str, worker: str | None, *, everybody: bool, as_json: bool) -> None:
    if (worker is None) != everybody:
        raise WrongUsage("Which worker?", hint="Name one, or say --all.")
    with connect_manager() as manager:
        told = manager.instruct(order, None if worker is None else _find(manager, worker))
    if as_json:
        answer({"order": order, "workers": told})
    else:
        say(f"Told {told} worker{'' if told == 1 else 's'}: {order}. It is heard with the next heartbeat.")


def _find(manager: ManagerClient, worker: str) -> str:
    """The id of a worker given by its id or its name; one that was sent away only by its id."""
    try:
        return str(UUID(worker))
    except ValueError:
        pass
    found = [one["id"] for one in manager.workers() if one["name"] == worker and one["state"] != "revoked"]
    if not found:
        raise Failure(f"No worker is named {worker!r}.", hint="See: trapper workers list")
    if len(found) > 1:
        raise Failure(f"{len(found)} workers are named {worker!r}: {', '.join(found)}.", hint="Give the id.")
    return found[0]


def ago(moment: str | None) -> str:
    """How long ago that was, as people say it."""
    if moment is None:
        return "never"
    seconds = max(0, round((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} seconds ago"


def _devices(worker: dict[str, Any]) -> list[str]:
    """Names of devices, with how busy each was."""
    busy = {load["name"]: f" {load['busy']:.0%}" for load in worker["device_load"]}
    return [f"{device['name']}{busy.get(device['name'], '')}" for device in worker["devices"]]
