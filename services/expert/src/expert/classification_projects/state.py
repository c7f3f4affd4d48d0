"""What a classification project can be, and what keeps its AI from running."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trapper_schemas.blocked import Blocked


class ClassificationProjectStatus(StrEnum):
    """Nothing is submitted for a finished one."""

    ONGOING = "ongoing"
    FINISHED = "finished"


class KeepLogits(StrEnum):
    """Whether classifications keep their logits; `auto` keeps those of models with up to 5,000 labels."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


AUTO_LOGITS_LABELS = 5_000


def keeps_logits(setting: KeepLogits, labels: int) -> bool:
    """Whether logits of a model with this number of labels are kept."""
    return setting is KeepLogits.ALWAYS or (setting is KeepLogits.AUTO and labels <= AUTO_LOGITS_LABELS)


class LinkState(StrEnum):
    """Whether the collection's owners let a classification project use it; only an open link gives access."""

    REQUESTED = "requested"
    OPEN = "open"
    REVOKED = "revoked"


def link_state(*, consented_at: datetime | None, revoked_at: datetime | None) -> LinkState:
    """Revoked whatever was consented before; open once an owner or manager of the collection's project consented."""
    if revoked_at is not None:
        return LinkState.REVOKED
    return LinkState.REQUESTED if consented_at is None else LinkState.OPEN


def blocked_link(state: LinkState) -> Blocked | None:
    """Why nothing of a linked collection may be used, or None for an open link."""
    if state is LinkState.OPEN:
        return None
    requested = state is LinkState.REQUESTED
    return Blocked(
        code="link-requested" if requested else "link-revoked",
        message=f"The owners of the collection have {'not consented yet' if requested else 'ended this link'}.",
        what_to_do="Ask an owner or manager of the collection's research project to consent to the link.",
    )


def stopped_link(*, is_active: bool, collection_is_active: bool, project_is_ongoing: bool) -> Blocked | None:
    """Why no job is made of a link's photos by a person's decision, or None."""
    if not project_is_ongoing:
        return Blocked(
            code="project-finished",
            message="Photos of the collection wait, and the classification project is finished.",
            what_to_do="Set the project's status to ongoing, or end the link.",
        )
    if not collection_is_active:
        return Blocked(
            code="collection-archived",
            message="Photos of the collection wait, and the collection is archived.",
            what_to_do="Bring the collection back with is_active: true, or end the link.",
        )
    if not is_active:
        return Blocked(
            code="link-paused",
            message="Photos of the collection wait, and the link is paused.",
            what_to_do="Set the link's is_active to true, or end the link.",
        )
    return None


@dataclass(frozen=True)
class ChosenProvider:
    """What is known of a provider that a project has chosen."""

    name: str
    availability: str
    is_active: bool
    is_unpinned: bool
    connection_id: UUID
    connection_name: str
    connection_is_active: bool
    sync_problem: str | None
    blocked_there: Blocked | None = None
    """Why no worker of its Manager can run it."""


def blocked_reason(*, required: bool, has_detector: bool, providers: Sequence[ChosenProvider]) -> Blocked | None:
    """Why no job can be made of the project's resources, or None; a project without any model is not blocked."""
    if not has_detector and (required or providers):
        need = "requires the AI before people" if required else "has models for species or features"
        return Blocked(
            code="no-detector",
            message=f"The project {need}, but has no detection model.",
            what_to_do="Set object_detection_ai_model, or switch required_ai_classification off.",
        )
    if len({provider.connection_id for provider in providers}) > 1:
        return Blocked(
            code="several-managers",
            message="The project's models belong to several Managers, and a job runs behind one.",
            what_to_do="Choose providers of the same connection.",
        )
    return next((reason for provider in providers if (reason := _provider_reason(provider)) is not None), None)


def _provider_reason(provider: ChosenProvider) -> Blocked | None:
    if not provider.connection_is_active:
        return Blocked(
            code="connection-inactive",
            message=f"The connection {provider.connection_name} to the Manager of {provider.name} is not active.",
            what_to_do="Connect the Manager again, or choose a provider of another connection.",
        )
    if not provider.is_active:
        return Blocked(
            code="provider-inactive",
            message=f"The model {provider.name} cannot be run: its availability is {provider.availability}.",
            what_to_do=f"Install it with: trapper models install {provider.name}. Or choose another provider.",
        )
    if provider.is_unpinned:
        return Blocked(
            code="provider-unpinned",
            message=f"No operator has confirmed which weights {provider.name} has.",
            what_to_do=f"Confirm them with: trapper models pin {provider.name}",
        )
    if provider.sync_problem is not None:
        return Blocked(
            code="manager-unreachable",
            message=f"The Manager {provider.connection_name} could not be read: {provider.sync_problem}",
            what_to_do="Check its address and credential, then read its catalogue again: POST /api/ai-providers/sync/",
        )
    if provider.blocked_there is not None:
        reason = provider.blocked_there
        return reason.model_copy(update={"message": f"No worker can run {provider.name} now. {reason.message}"})
    return None
