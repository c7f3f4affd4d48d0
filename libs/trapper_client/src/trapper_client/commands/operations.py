"""`trapper operations`: long work that a person or a schedule started."""

import time
from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.find import find_project
from trapper_client.commands.rows import ProjectFilter
from trapper_client.contract import OperationLineReply, OperationReply, OperationState
from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Operations: long work that a person or a schedule started.", no_args_is_help=True)

OperationId = Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's id.", show_default=False)]
_OPEN = (OperationState.WAITING, OperationState.RUNNING)
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0


@group.command("list")
def list_operations(
    *,
    project: ProjectFilter = None,
    as_json: Json = False,
) -> None:
    """Lists operations of one project or of all, newest first."""
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        operations = list(expert.operations(classification_project_id=[chosen] if chosen else None))
    if as_json:
        answer({"items": [operation.model_dump(mode="json") for operation in operations]})
        return
    rows = ((row.id, row.kind, row.state, row.total, row.done, row.created_at, row.error) for row in operations)
    columns = ("Operation", "Kind", "State", "Total", "Done", "Created", "Reason")
    table(columns, rows, empty="There is no operation yet.")


@group.command("watch")
def watch(operation_id: OperationId, *, as_json: Json = False) -> None:
    """Follows an operation and its log to the end; exit code 1 when it failed or was cancelled."""
    with connect(patience=_PATIENCE_SECONDS) as expert:
        report_operation(expert, operation_id, as_json=as_json)


def report_operation(expert: TrapperClient, operation_id: str, *, as_json: bool) -> None:
    """Follows an operation to its end; raises Failure when it failed or was cancelled."""
    operation = _follow(expert, operation_id, quiet=as_json)
    if as_json:
        answer(operation.model_dump(mode="json"))
    if operation.state is OperationState.FINISHED:
        return
    if as_json:
        raise typer.Exit(1)  # the document says how it ended, and there is only one
    raise Failure(f"The operation {operation.id} ended as {operation.state}: {operation.error or 'it was cancelled'}")


@group.command("log")
def log(
    operation_id: OperationId,
    *,
    errors: Annotated[bool, typer.Option("--errors", help="Only the rows that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Prints the log of an operation, also while it runs."""
    with connect() as expert:
        lines = list(expert.operation_log(operation_id, level=["error"] if errors else None))
    if as_json:
        answer({"items": [line.model_dump(mode="json") for line in lines]})
        return
    for line in lines:
        say(_sentence(line))


@group.command("cancel")
def cancel(operation_id: OperationId, *, as_json: Json = False) -> None:
    """Cancels an operation before its next batch; what it did stays."""
    with connect() as expert:
        operation = expert.cancel_operation(operation_id)
    if as_json:
        answer(operation.model_dump(mode="json"))
    elif operation.state in _OPEN:
        say(f"Operation {operation.id} ends after the batch that it is at.")
    else:
        say(f"Operation {operation.id}: {operation.state}.")


def _follow(expert: TrapperClient, operation_id: str, *, quiet: bool) -> OperationReply:
    shown, last_line = "", 0
    while True:
        operation = expert.operation(operation_id)
        if not quiet:
            for line in expert.operation_log(operation_id, after=last_line):
                say(_sentence(line))
                last_line = line.number
            progress = f"{operation.state}: {operation.done} of {operation.total}"
            if progress != shown:
                say(progress)
            shown = progress
        if operation.state not in _OPEN:
            return operation
        time.sleep(_POLL_SECONDS)


def _sentence(line: OperationLineReply) -> str:
    about = f" {line.item}:" if line.item else ""
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.level}:{about} {line.message}"
