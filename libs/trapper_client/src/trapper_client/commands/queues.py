"""`trapper queues`: what waits for which machines."""

import typer

from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Queues: what waits for which machines.", invoke_without_command=True)


@group.callback()
def queues(*, as_json: Json = False) -> None:
    """Shows what waits, by models and by runtime, and how long one worker would take for it."""
    with connect_manager() as manager:
        found = manager.queues()
    if as_json:
        answer(found)
        return
    table(
        ("models", "runtimes", "waiting", "photos", "not cut yet", "oldest, s"),
        (
            (
                " + ".join(models["models"]),
                ", ".join(queue["runtimes"]),
                models["waiting"],
                models["resources"],
                models["unplanned"],
                models["oldest_waiting_seconds"],
            )
            for queue in found["items"]
            for models in queue["model_sets"]
        ),
        empty="Nothing waits.",
    )
    if not found["runtimes"]:
        say("No worker is alive.")
        return
    say()
    table(
        ("runtime", "workers", "photos", "work for one worker, s", "oldest, s"),
        (
            (
                runtime["runtime"],
                runtime["workers"],
                runtime["resources"],
                runtime["seconds_of_work"],
                runtime["oldest_waiting_seconds"],
            )
            for runtime in found["runtimes"]
        ),
    )
