"""Matches labels with taxa again, after an import: an operation that also moves the observations of a project."""

from collections.abc import Sequence
from uuid import UUID

from expert.access.make_once import IdempotentRequest
from expert.algorithms.models import CategoryLabel
from expert.deps import ExpertWork
from expert.occurrences.queries_determine import refresh_determinations
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.start import start_operation
from expert.operations.state import BatchOutcome
from expert.taxa.queries import by_keys, by_names
from expert.unresolved_labels import queries
from expert.unresolved_labels.state import LabelMatch
from trapper_kit.db import Session

MATCH = "unresolved_labels.match"
_ROWS_AT_ONCE = 2_000
_START = UUID(int=0)


async def start_matching(
    db: Session, request: IdempotentRequest, *, classification_project_id: UUID, dry_run: bool
) -> tuple[Operation, bool]:
    """The operation, and whether it is new; a dry run counts and writes nothing."""
    operation = Operation(
        kind=MATCH,
        classification_project_id=classification_project_id,
        parameters={"dry_run": dry_run},
        total=await queries.count_current(db, classification_project_id),
    )
    return await start_operation(db, operation, request)


async def find_taxa(db: Session, labels: Sequence[CategoryLabel]) -> list[UUID | None]:
    """The taxon of each label, by key, else by name; for a synonym its accepted taxon."""
    keys = [[(str(key["checklist"]), str(key["key"])) for key in label.taxon_keys] for label in labels]
    names = [(label.scientific_name or label.label).lower() for label in labels]
    by_key = await by_keys(db, {key for each in keys for key in each})
    by_name = await by_names(db, set(names))
    return [
        next((by_key[key] for key in each if key in by_key), None) or by_name.get(name)
        for each, name in zip(keys, names, strict=True)
    ]


async def find_matches(db: Session) -> list[LabelMatch]:
    """Labels without a taxon that match one now, and labels whose taxon became a synonym."""
    labels = await queries.unresolved(db)
    taxa = zip(labels, await find_taxa(db, labels), strict=True)
    matches = [LabelMatch(label.category_map_id, label.index, taxon_id) for label, taxon_id in taxa if taxon_id]
    return matches + await queries.of_synonyms(db)


@operation_kind(MATCH)
async def match_labels(_work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Gives labels their taxa, then the next observations of the project and their occurrences."""
    is_first, is_dry = "after" not in operation.position, bool(operation.parameters["dry_run"])
    matches = await find_matches(db)
    if not is_dry:
        await queries.write_matches(db, matches)
    project_id = operation.classification_project_id
    after = UUID(str(operation.position.get("after", _START)))
    pending = matches if is_dry else []
    page = await queries.find_stale(db, project_id, after, _ROWS_AT_ONCE, pending)
    determined = 0
    if page.observation_ids and not is_dry:
        await queries.lock_classifications(db, page.observation_ids)
        await queries.point_anew(db, project_id, after, _ROWS_AT_ONCE)
        determined = len(await refresh_determinations(db, page.occurrence_ids))
    return BatchOutcome(
        {"after": str(page.last_id or after)},
        done=page.rows,
        is_last=page.rows < _ROWS_AT_ONCE,
        counters={
            "labels": len(matches) if is_first or not is_dry else 0,
            "observations": len(page.observation_ids),
            "determinations": determined,
        },
    )
