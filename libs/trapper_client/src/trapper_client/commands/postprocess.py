"""`trapper postprocess`: methods that clean up what models predicted."""

from typing import Annotated
from uuid import UUID

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.find import find_project
from trapper_client.commands.operations import report_operation
from trapper_client.commands.rows import Fields, Row, parse_fields
from trapper_client.commands.taxa_lists import find_list
from trapper_client.contract import (
    AlgorithmReply,
    LinkedCollectionReply,
    RunDetail,
    RunReply,
    RunRequest,
    RunScope,
    StartedRun,
    UndoRequest,
)
from trapper_client.errors import ApiProblem, WrongUsage
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Post-processing: methods that clean up what models predicted.", no_args_is_help=True)

_METHODS = "/api/postprocessing/"
_PATIENCE_SECONDS = 60.0
_UNCONFIRMED = "scope-unconfirmed"

Project = Annotated[
    str | None, typer.Option(help="Slug or name of a classification project: all of it.", show_default=False)
]
Collection = Annotated[
    str | None,
    typer.Option(help="Name or id of a collection of --project, or the id of its link.", show_default=False),
]
Sequence = Annotated[list[str] | None, typer.Option(help="Id of a sequence, repeatable.", show_default=False)]
Occurrence = Annotated[str | None, typer.Option(help="Id of an occurrence.", show_default=False)]
Job = Annotated[str | None, typer.Option(help="Id of an AI job: what its results brought.", show_default=False)]
Resource = Annotated[
    list[str] | None, typer.Option(help="Id of a resource of --collection, repeatable.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Run over a whole project, however many observations it has.")]
Algorithm = Annotated[str, typer.Option(help="Name or id of the source algorithm.", show_default=False)]
TaxaListName = Annotated[str, typer.Option("--taxa-list", help="Name or id of a taxa list.", show_default=False)]


@group.command("class-masking")
def class_masking(
    *,
    algorithm: Algorithm,
    taxa_list: TaxaListName,
    project: Project = None,
    collection: Collection = None,
    sequence: Sequence = None,
    occurrence: Occurrence = None,
    job: Job = None,
    resource: Resource = None,
    fields: Fields = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Gives each observation the best class among those that a taxa list keeps.

    Example: trapper postprocess class-masking --project foxes --collection Spring --algorithm demo-species
    --taxa-list region --set reweight=false
    """
    with connect(patience=_PATIENCE_SECONDS) as expert:
        config = {
            "algorithm_id": _algorithm(expert, algorithm),
            "taxa_list_id": find_list(expert, taxa_list).id,
            **parse_fields(fields),
        }
        scope = _scope(expert, project, collection, sequence, occurrence=occurrence, job=job, resources=resource)
        _run(expert, "class_masking", scope, config, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command("rank-rollup")
def rank_rollup(
    *,
    algorithm: Algorithm,
    project: Project = None,
    collection: Collection = None,
    sequence: Sequence = None,
    occurrence: Occurrence = None,
    job: Job = None,
    resource: Resource = None,
    fields: Fields = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Gives each observation the lowest taxon whose classes together are probable enough.

    Example: trapper postprocess rank-rollup --project foxes --yes --algorithm demo-species --set 'thresholds={"genus": 0.7}'
    """  # noqa: E501 - a line to copy
    with connect(patience=_PATIENCE_SECONDS) as expert:
        config = {"algorithm_id": _algorithm(expert, algorithm), **parse_fields(fields)}
        scope = _scope(expert, project, collection, sequence, occurrence=occurrence, job=job, resources=resource)
        _run(expert, "rank_rollup", scope, config, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command("size-filter")
def size_filter(
    *,
    project: Project = None,
    collection: Collection = None,
    sequence: Sequence = None,
    occurrence: Occurrence = None,
    job: Job = None,
    resource: Resource = None,
    fields: Fields = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Calls an object unknown whose box covers less than a part of the picture.

    Example: trapper postprocess size-filter --project foxes --yes --set size_threshold=0.001 --dry-run
    """
    with connect(patience=_PATIENCE_SECONDS) as expert:
        scope = _scope(expert, project, collection, sequence, occurrence=occurrence, job=job, resources=resource)
        _run(expert, "small_size_filter", scope, parse_fields(fields), dry_run=dry_run, yes=yes, as_json=as_json)


@group.command("runs")
def runs(*, project: Project = None, as_json: Json = False) -> None:
    """Lists runs of one project or of all, newest first."""
    with connect() as expert:
        chosen = [find_project(expert, project).id] if project else None
        rows = list(expert.api.items(RunReply, f"{_METHODS}runs/", classification_project_id=chosen))
    if as_json:
        answer({"items": [row.model_dump(mode="json") for row in rows]})
        return
    cells = ((row.id, row.method, row.state, row.done, row.dry_run, row.created_at, row.undone_at) for row in rows)
    table(("Run", "Method", "State", "Done", "Dry run", "Created", "Undone"), cells, empty="There is no run yet.")


@group.command("undo")
def undo(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", show_default=False)],
    *,
    cascade: Annotated[bool, typer.Option("--cascade", help="Undo later runs on the same objects first.")] = False,
    as_json: Json = False,
) -> None:
    """Undoes a run: what counted before counts again; what people touched since is left as it is."""
    with connect(patience=_PATIENCE_SECONDS) as expert:
        request = UndoRequest(cascade=cascade)
        started = expert.api.send(StartedRun, "POST", f"{_METHODS}runs/{run_id}/undo/", request)
        report_operation(expert, started.operation_id, as_json=as_json)


def run_class_masking(
    *,
    collection: Annotated[str, typer.Option(help="Id of the link of a collection.", show_default=False)],
    taxa_list: TaxaListName,
    algorithm: Algorithm,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Masks a linked collection with a taxa list; short for trapper postprocess class-masking."""
    class_masking(algorithm=algorithm, taxa_list=taxa_list, collection=collection, dry_run=dry_run, as_json=as_json)


def _algorithm(expert: TrapperClient, named: str) -> str:
    """The id of an algorithm by its id or name; the newest version of a name."""
    if _is_id(named):
        return named
    found = [row for row in expert.api.items(AlgorithmReply, "/api/algorithms/", name=named) if row.name == named]
    if not found:
        raise WrongUsage(f"There is no algorithm {named!r}.", hint="Give its id, or the name of a model.")
    return found[-1].id


def _scope(
    expert: TrapperClient,
    project: str | None,
    collection: str | None,
    sequences: list[str] | None,
    *,
    occurrence: str | None,
    job: str | None,
    resources: list[str] | None,
) -> RunScope:
    """The scope that the options name; the service refuses none and several."""
    link = _link(expert, project, collection) if collection else None
    whole = find_project(expert, project).id if project and not collection else None
    return RunScope(
        classification_project_id=whole,
        linked_collection_id=link,
        sequence_ids=sequences or None,
        occurrence_id=occurrence,
        job_id=job,
        resource_ids=resources or None,
    )


def _link(expert: TrapperClient, project: str | None, collection: str) -> str:
    if project is None:
        if _is_id(collection):
            return collection
        raise WrongUsage("--collection with a name needs --project.", hint="Or give the id of the link.")
    path = f"/api/classification-projects/{find_project(expert, project).id}/collections/"
    for link in expert.api.items(LinkedCollectionReply, path):
        name = expert.api.get(f"/api/collections/{link.collection_id}/")["name"]
        if collection in {link.id, link.collection_id, name}:
            return link.id
    raise WrongUsage(f"The project uses no collection {collection!r}.", hint="See: trapper links list")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _run(
    expert: TrapperClient, method: str, scope: RunScope, config: Row, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Starts a run, follows it to its end and shows its report."""
    request = RunRequest(scope=scope, config=config, dry_run=dry_run)
    path = f"{_METHODS}{method}/run/"
    try:
        started = expert.api.send(StartedRun, "POST", path, request)
    except ApiProblem as refusal:
        if refusal.type != _UNCONFIRMED or not yes:
            raise
        confirmed = RunRequest(scope=scope, config=config, confirmed_rows=int(refusal.body.extras()["rows"]))
        started = expert.api.send(StartedRun, "POST", path, confirmed)
    report_operation(expert, started.operation_id, as_json=as_json)
    if as_json:
        return
    run = expert.api.read(RunDetail, f"{_METHODS}runs/{started.operation_id}/")
    for name, count in sorted(run.report.counters.items()):
        say(f"{name.replace('_', ' ')}: {count}")
    for pair in run.report.pairs[:10]:
        say(f"{pair.before} → {pair.after}: {pair.count}")
    say("Nothing was changed (--dry-run)." if dry_run else f"Undo it: trapper postprocess undo {run.id}")
