"""`trapper queues`: work that waits for workers."""

import typer

from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Queues: work that waits for workers.", invoke_without_command=True)


@group.callback()
def queues(*, as_json: Json = False) -> None:
    """Shows waiting work by models and by runtime, and how long one worker would take for it."""
    with connect_manager() as manager:
        queued = manager.queues()
    if as_json:
        answer(queued)
        return
    table(
        ("Models", "Runtimes", "Batches", "Photos", "Photos not in batches yet", "Oldest (s)", "Blocked"),
        (
            (
                " + ".join(models["models"]),
                ", ".join(queue["runtimes"]),
                models["waiting"],
                models["resources"],
                models["unplanned"],
                models["oldest_waiting_seconds"],
                _reason(models["blocked"]),
            )
            for queue in queued["items"]
            for models in queue["model_sets"]
        ),
        empty="No work is waiting.",
    )
    if not queued["runtimes"]:
        say("No worker is alive.")
        return
    say()
    table(
        ("Runtime", "Workers", "Photos", "Work for one worker (s)", "Oldest (s)"),
        (
            (
                runtime["runtime"],
                runtime["workers"],
                runtime["resources"],
                runtime["seconds_of_work"],
                runtime["oldest_waiting_seconds"],
            )
            for runtime in queued["runtimes"]
        ),
    )


def _reason(blocked: dict[str, str] | None) -> str:
    return "" if blocked is None else f"{blocked['message']} {blocked['what_to_do']}"
