"""`trapper workers`: the machines that compute."""

import typer

from trapper_client.output import Json, answer, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Workers: the machines that compute.", no_args_is_help=True)


@group.command("list")
def list_workers(*, as_json: Json = False) -> None:
    """Lists the fleet: who is alive, on which device, how fast."""
    with connect_manager() as manager:
        workers = manager.workers()
    if as_json:
        answer(workers)
        return
    shown = ("name", "state", "version", "runtimes", "seen_at")
    rows = (
        [", ".join(map(str, value)) if isinstance(value := worker.get(key), list) else value for key in shown]
        for worker in workers
    )
    table(shown, rows, empty="No worker has enrolled yet.")
