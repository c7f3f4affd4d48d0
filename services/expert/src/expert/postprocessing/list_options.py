"""Lists the source algorithms that can be chosen in a scope."""

from collections.abc import Sequence
from uuid import UUID

from expert.algorithms.models import Algorithm
from expert.postprocessing.queries import by_ids
from expert.postprocessing.queries_algorithms import derived_from
from expert.postprocessing.queries_selection import Selection, algorithms_of, algorithms_with_logits
from expert.postprocessing.state import RunScope, ScopeKind
from trapper_kit.db import Session

_SMALL = frozenset({ScopeKind.OCCURRENCE, ScopeKind.RESOURCES, ScopeKind.SEQUENCES})


async def list_options(db: Session, project_id: UUID, scope: RunScope) -> Sequence[Algorithm]:
    """Models whose logits the project has, and what was derived from them; in a small scope those that ran there."""
    chosen = await algorithms_with_logits(db, project_id)
    for model in list(chosen):
        chosen |= set(await derived_from(db, model))
    if scope.kind in _SMALL:
        chosen &= await algorithms_of(db, Selection(project_id, scope, None))
    return await by_ids(db, chosen)
