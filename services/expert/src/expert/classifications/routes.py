"""Routes of classifications: list, read, start, fork, edit, approve, un-approve, feedback, history."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from expert.access.guards import MayAnnotate, MayApprove, MayGiveFeedback, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.classifications import queries, queries_history
from expert.classifications.approve import approve_classification
from expert.classifications.edit import edit_classification
from expert.classifications.errors import (
    AiRequired,
    ClassificationLocked,
    ClassificationNotFound,
    NotApprovable,
    NotApproved,
    NotEditable,
    NotForkable,
    NotYours,
    ResourceNotInProject,
    Superseded,
)
from expert.classifications.fork import fork_classification, start_classification
from expert.classifications.give_feedback import give_feedback
from expert.classifications.models import Classification
from expert.classifications.schemas import (
    ApprovalOptions,
    ApprovalReply,
    ClassificationChange,
    ClassificationDetail,
    ClassificationReply,
    History,
    HistoryItem,
    NewClassification,
    NewFeedback,
    former_version,
    reply_fields,
)
from expert.classifications.unapprove import unapprove_classification
from expert.deps import Db, Now
from expert.observations import queries as observations
from expert.observations.build_reply import build_reply
from expert.observations.state import ClassificationType, ObservationReply, RecordFilters
from trapper_kit.db import Session
from trapper_kit.idempotency import fingerprint
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Forbidden, Invalid, NotFound, PreconditionFailed
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit
from trapper_kit.web.versions import IfMatch, refuse_read_only, tagged
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/media-classifications", tags=["classifications"])

MAKING = (ClassificationNotFound, ResourceNotInProject, AiRequired)
_CREATED = 201


@router.get("/classifications/")
async def list_classifications(
    db: Db, caller: MayRead, filters: Annotated[RecordFilters, Query()], cursor: Cursor = None, limit: Limit = 50
) -> Page[ClassificationReply]:
    """List classifications of the caller's projects, oldest first; filters on observations mean at least one."""
    rows, next_cursor = await queries.list_classifications(
        db,
        PageRequest.of(limit, cursor, filters.model_dump(mode="json")),
        filters,
        visible=queries.visible_to(caller),
    )
    items = [ClassificationReply(**reply_fields(row, final)) for row, final in rows]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/classifications/{classification_id}/", responses=problems(ClassificationNotFound))
async def read_classification(
    classification_id: UUID, db: Db, caller: MayRead, response: Response
) -> ClassificationDetail:
    """Read one classification with its observations and predictions."""
    return tagged(response, await _detail(db, await _row(db, caller, classification_id, Capability.READ)))


@router.post("/classifications/", status_code=_CREATED, responses=problems(NotFound, ResourceNotInProject, AiRequired))
async def start(
    body: NewClassification, key: IdempotencyKey, response: Response, db: Db, now: Now, caller: MayAnnotate
) -> ClassificationDetail:
    """Create a classification from nothing."""
    await require(db, caller, Capability.ANNOTATE, classification_project=body.classification_project_id)
    row, made = await start_classification(
        db,
        project_id=body.classification_project_id,
        resource_id=body.resource_id,
        static_attributes=body.static_attributes,
        inputs=body.dynamic_attrs,
        request=IdempotentRequest.of(caller, key, body),
        now=now,
    )
    return await _made(db, row, response, made=made)


@router.post(
    "/classifications/{classification_id}/fork/", status_code=_CREATED, responses=problems(*MAKING, NotForkable)
)
async def fork(
    classification_id: UUID, key: IdempotencyKey, response: Response, db: Db, now: Now, caller: MayAnnotate
) -> ClassificationDetail:
    """Copy a classification into one of the caller's own."""
    source = await _row(db, caller, classification_id, Capability.ANNOTATE)
    request = IdempotentRequest(caller.id, key, fingerprint({"fork": str(classification_id)}))
    row, made = await fork_classification(db, source, request=request, now=now)
    return await _made(db, row, response, made=made)


@router.patch(
    "/classifications/{classification_id}/",
    responses=problems(
        NotYours, ClassificationNotFound, ClassificationLocked, NotEditable, ResourceNotInProject, AiRequired
    ),
)
async def edit(
    classification_id: UUID,
    body: ClassificationChange,
    if_match: IfMatch,
    db: Db,
    now: Now,
    caller: MayAnnotate,
    response: Response,
) -> ClassificationDetail:
    """Replace attributes or observations of a person's classification that was never approved."""
    row = await _row(db, caller, classification_id, Capability.ANNOTATE)
    if row.owner_id not in {None, caller.id}:
        await _require_approver(db, caller, row)
    _refuse_read_only(body, await _detail(db, row), if_match)
    async with _current_state(db, row):
        await edit_classification(
            db,
            row,
            static_attributes=body.static_attributes,
            inputs=body.dynamic_attrs,
            expected_version=if_match,
            by=caller.id,
            now=now,
        )
    return tagged(response, await _detail(db, await _row(db, caller, classification_id, Capability.READ)))


@router.post(
    "/classifications/{classification_id}/approve/",
    responses=problems(ClassificationNotFound, NotApprovable, Superseded, ResourceNotInProject, AiRequired),
)
async def approve(
    classification_id: UUID,
    if_match: IfMatch,
    db: Db,
    now: Now,
    caller: MayApprove,
    response: Response,
    body: ApprovalOptions | None = None,
) -> ClassificationReply:
    """Approve a classification as the answer for its resource; approving it again changes nothing."""
    row = await _row(db, caller, classification_id, Capability.APPROVE)
    async with _current_state(db, row):
        final = await approve_classification(
            db,
            row,
            expected_version=if_match,
            allow_superseded=body is not None and body.allow_superseded,
            by=caller.id,
            now=now,
        )
    again = await _row(db, caller, classification_id, Capability.READ)
    return tagged(response, ClassificationReply(**reply_fields(again, final)))


@router.post(
    "/classifications/{classification_id}/unapprove/",
    responses=problems(Forbidden, ClassificationNotFound, NotApproved),
)
async def unapprove(
    classification_id: UUID, if_match: IfMatch, db: Db, now: Now, caller: MayApprove, response: Response
) -> ClassificationReply:
    """Take the approval of a classification back; the row stays locked."""
    row = await _row(db, caller, classification_id, Capability.APPROVE)
    async with _current_state(db, row):
        final = await unapprove_classification(db, row, expected_version=if_match, by=caller.id, now=now)
    again = await _row(db, caller, classification_id, Capability.READ)
    return tagged(response, ClassificationReply(**reply_fields(again, final)))


@router.post(
    "/classifications/{classification_id}/feedback/", status_code=_CREATED, responses=problems(*MAKING, NotApproved)
)
async def feedback(
    classification_id: UUID,
    body: NewFeedback,
    key: IdempotencyKey,
    response: Response,
    db: Db,
    now: Now,
    caller: MayGiveFeedback,
) -> ClassificationDetail:
    """Suggest a correction of an approved classification."""
    about = await _row(db, caller, classification_id, Capability.GIVE_FEEDBACK)
    request = IdempotentRequest(
        caller.id, key, fingerprint({"feedback": str(classification_id), "body": body.model_dump(mode="json")})
    )
    row, made = await give_feedback(
        db, about, static_attributes=body.static_attributes, inputs=body.dynamic_attrs, request=request, now=now
    )
    return await _made(db, row, response, made=made)


@router.get("/resources/{resource_id}/history/", responses=problems(NotFound))
async def history(resource_id: UUID, classification_project_id: UUID, db: Db, caller: MayRead) -> History:
    """List every classification of a resource in a project, with approvals and edits."""
    await require(db, caller, Capability.READ, classification_project=classification_project_id)
    rows = await queries.history(db, classification_project_id, resource_id, visible=queries.visible_to(caller))
    final = next((row for row in rows if row.type is ClassificationType.FINAL), None)
    if final is None:
        return History(final=None, child_classifications=[])
    by_row = await _observations(db, [row.id for row in rows])
    approvals = await queries_history.approvals_of(db, final.id)
    versions = await queries_history.versions_of(db, [row.id for row in rows])
    children = [
        HistoryItem(
            **reply_fields(row, final),
            dynamic_attrs=by_row.get(row.id, []),
            derived_classifications=[child.id for child in rows if child.source_classification_id == row.id],
            approvals=[ApprovalReply.model_validate(approval) for approval in approvals.get(row.id, [])],
            former_versions=[former_version(version) for version in versions.get(row.id, [])],
        )
        for row in rows
        if row is not final
    ]
    return History(final=ClassificationReply(**reply_fields(final, final)), child_classifications=children)


async def _row(db: Session, caller: Caller, classification_id: UUID, capability: Capability) -> Classification:
    row = await queries.get(db, classification_id, visible=queries.visible_to(caller))
    if row is None:
        raise ClassificationNotFound
    await require(
        db,
        caller,
        capability,
        classification_project=row.classification_project_id,
        missing=ClassificationNotFound(),
    )
    return row


async def _require_approver(db: Session, caller: Caller, row: Classification) -> None:
    try:
        await require(
            db,
            caller,
            Capability.APPROVE,
            classification_project=row.classification_project_id,
            missing=ClassificationNotFound(),
        )
    except Forbidden as problem:
        raise NotYours from problem


def _refuse_read_only(body: ClassificationChange, current: ClassificationDetail, if_match: int) -> None:
    """Raises Invalid for read-only fields with other values; a stale version is refused for itself."""
    if if_match != current.version:
        return
    refuse_read_only(body.model_extra or {}, current, ["body"])
    observations = {observation.id: observation for observation in current.dynamic_attrs}
    for index, observation in enumerate(body.dynamic_attrs or []):
        before = observations.get(observation.id) if observation.id else None
        if before is not None:
            refuse_read_only(observation.model_extra or {}, before, ["body", "dynamic_attrs", index])
        elif observation.model_extra:
            names = ", ".join(sorted(observation.model_extra))[:200]
            raise Invalid.field("dynamic_attrs", f"observation {index} is new: leave out {names}", code="read-only")


@asynccontextmanager
async def _current_state(db: Session, row: Classification) -> AsyncGenerator[None, None]:
    """Adds the row as it is now to the refusal of a stale version."""
    try:
        yield
    except PreconditionFailed as problem:
        problem.extras["current"] = (await _detail(db, row)).model_dump(mode="json")
        raise


async def _made(db: Session, row: Classification, response: Response, *, made: bool) -> ClassificationDetail:
    if not made:
        response.status_code = 200
    return tagged(response, await _detail(db, row))


async def _detail(db: Session, row: Classification) -> ClassificationDetail:
    final = await queries.final_of(db, row)
    source_id = row.source_classification_id if row.type is ClassificationType.FINAL else row.id
    by_row = {} if source_id is None else await _observations(db, [source_id])
    return ClassificationDetail(
        **reply_fields(row, final), dynamic_attrs=[] if source_id is None else by_row.get(source_id, [])
    )


async def _observations(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[ObservationReply]]:
    """The observations of each row, with their predictions."""
    by_row = await observations.of_classifications(db, classification_ids)
    ids = [observation.id for rows in by_row.values() for observation, _ in rows]
    predictions = await observations.predictions_of(db, ids)
    return {
        classification_id: [build_reply(row, name, predictions.get(row.id, ()), with_all=True) for row, name in rows]
        for classification_id, rows in by_row.items()
    }
