"""`trapper workers`: the machines that run models."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from trapper_client.commands.complete import complete_worker
from trapper_client.errors import Failure, WrongUsage
from trapper_client.manager import ManagerClient
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Workers: the machines that run models.", no_args_is_help=True)

WorkerName = Annotated[
    str,
    typer.Argument(
        metavar="WORKER", help="The worker's name or id.", autocompletion=complete_worker, show_default=False
    ),
]
WorkerOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="[WORKER]", help="The worker's name or id.", autocompletion=complete_worker, show_default=False
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every worker.")]


@group.command("list")
def list_workers(*, as_json: Json = False) -> None:
    """Lists the workers: state, devices, speed, and batches that they hold."""
    with connect_manager() as manager:
        workers = manager.workers()
    if as_json:
        answer({"items": workers})
        return
    columns = (
        "Name",
        "State",
        "Version",
        "Runtimes",
        "Devices",
        "Batches",
        "Images/s",
        "Lost batches",
        "Last heartbeat",
    )
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
    table(columns, rows, empty="No worker has enrolled yet. Make a token for one: trapper workers token")


@group.command("show")
def show(worker: WorkerName, *, as_json: Json = False) -> None:
    """Shows one worker: its devices with their load, its measured speed, the batches that it holds and lost."""
    with connect_manager() as manager:
        row = manager.worker(_find(manager, worker))
    if as_json:
        answer(row)
        return
    losses = ", ".join(f"{count} {loss}" for loss, count in row["losses"].items())
    speeds = ", ".join(f"{speed:.3g} images/s with {model[:12]}" for model, speed in row["images_per_second"].items())
    rows = (
        ("id", row["id"]),
        ("name", row["name"]),
        ("state", row["state"]),
        ("version", row["version"]),
        ("runtimes", ", ".join(row["runtimes"])),
        ("devices", ", ".join(_devices(row))),
        ("measured", speeds),
        ("batches held", row["leases"]),
        ("batches lost", losses or "none"),
        ("models on disk", row["models_on_disk"]),
        ("project", row["project"] or "all"),
        ("works offline", row["offline"]),
        ("enrolled at", row["enrolled_at"]),
        ("last heartbeat", ago(row["seen_at"])),
        ("revoked at", row["revoked_at"]),
    )
    table(("", ""), (cells for cells in rows if cells[1] is not None))


@group.command("pause")
def pause(worker: WorkerOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Pauses a worker: it finishes the batches that it holds and takes no new ones."""
    _instruct("pause", worker, everybody=everybody, as_json=as_json)


@group.command("resume")
def resume(worker: WorkerOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Resumes a paused worker, or cancels a drain that has not ended yet."""
    _instruct("resume", worker, everybody=everybody, as_json=as_json)


@group.command("drain")
def drain(worker: WorkerOrAll = None, *, everybody: All = False, as_json: Json = False) -> None:
    """Drains a worker: it finishes the batches that it holds, and ends."""
    _instruct("drain", worker, everybody=everybody, as_json=as_json)


@group.command("revoke")
def revoke(worker: WorkerName, *, as_json: Json = False) -> None:
    """Ends a worker's credential at once; its batches go to other workers."""
    with connect_manager() as manager:
        worker_id = _find(manager, worker)
        manager.revoke_worker(worker_id)
    if as_json:
        answer({"revoked": worker_id})
    else:
        say(f"Worker {worker_id} is revoked; its batches go to other workers.")


def _instruct(order: str, worker: str | None, *, everybody: bool, as_json: bool) -> None:
    if (worker is None) != everybody:
        raise WrongUsage("Which worker?", hint="Give a name, or --all.")
    with connect_manager() as manager:
        count = manager.instruct(order, None if worker is None else _find(manager, worker))
    if as_json:
        answer({"order": order, "workers": count})
    else:
        say(f"Order {order!r} for {count} worker{'' if count == 1 else 's'}. It takes effect with the next heartbeat.")


def _find(manager: ManagerClient, worker: str) -> str:
    """The id of a worker given by its id or its name; a revoked one only by its id."""
    try:
        return str(UUID(worker))
    except ValueError:
        pass
    ids = [row["id"] for row in manager.workers() if row["name"] == worker and row["state"] != "revoked"]
    if not ids:
        raise Failure(f"No worker is named {worker!r}.", hint="See: trapper workers list")
    if len(ids) > 1:
        raise Failure(f"{len(ids)} workers are named {worker!r}: {', '.join(ids)}.", hint="Give the id.")
    return ids[0]


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
