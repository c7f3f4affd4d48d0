"""Create a taxa list of a project, or a global one."""

from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.taxa_lists.errors import TaxaListNameTaken
from expert.taxa_lists.models import TaxaList
from expert.taxa_lists.state import content_fingerprint
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, Problem


async def create_list(
    db: Session, caller: Caller, request: IdempotentRequest, *, name: str, classification_project_id: UUID | None
) -> tuple[TaxaList, bool]:
    """The list, and whether it is new; raises NotFound, Forbidden, TaxaListNameTaken, IdempotencyKeyReused."""
    await require_change(db, caller, classification_project_id)
    row = TaxaList(classification_project_id=classification_project_id, name=name, fingerprint=content_fingerprint(()))
    return await make_once(db, row, request, taken=refusals(name))


async def require_change(db: Session, caller: Caller, classification_project_id: UUID | None) -> None:
    """Raises NotFound or Forbidden unless the caller administers the list's project, for a global list the site."""
    if classification_project_id is not None:
        await require(db, caller, Capability.ADMINISTER, classification_project=classification_project_id)
    elif not caller.is_site_admin:
        raise Forbidden("a list without a project is for everybody; only a site admin may make or change one")


def refusals(name: str) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    return {"taxa_lists_project_name_key": TaxaListNameTaken(f"there is already a taxa list {name!r}")}
