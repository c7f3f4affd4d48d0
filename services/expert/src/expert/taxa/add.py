"""Add a taxon that no checklist brought: it is provisional until an import adopts it."""

from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.audit.note import note
from expert.taxa import queries
from expert.taxa.errors import TaxonExists
from expert.taxa.models import Taxon
from expert.taxa.resolve import canonical
from expert.taxa.state import TaxonRank, is_below
from trapper_kit.db import Session
from trapper_kit.problems import Invalid
from trapper_schemas.ids import uuid7


async def add_taxon(
    db: Session,
    request: IdempotentRequest,
    *,
    scientific_name: str,
    rank: TaxonRank,
    parent_id: UUID | None,
    vernacular_names: dict[str, str],
) -> tuple[Taxon, bool]:
    """The taxon, and whether it is new; raises TaxonExists with the id of the taxon of that name, or Invalid."""
    parent = None if parent_id is None else await db.get(Taxon, parent_id)
    if parent_id is not None and parent is None:
        raise Invalid.field("parent_id", "there is no such taxon; look it up under /api/taxa/")
    if parent is not None and not is_below(rank, parent.rank):
        raise Invalid.field("rank", f"a {rank.value} cannot be below the {parent.rank} {parent.scientific_name}")
    await queries.lock_name(db, scientific_name)
    taxon_id = uuid7()
    taxon = Taxon(
        id=taxon_id,
        scientific_name=scientific_name,
        canonical_name=canonical(scientific_name),
        rank=rank.value,
        parent_id=parent_id,
        path=f"{parent.path if parent is not None else '/'}{taxon_id}/",
        vernacular_names=vernacular_names,
        provisional=True,
    )
    existing = (await queries.by_names(db, {scientific_name.lower()})).get(scientific_name.lower())
    if existing is not None and not await queries.was_made_by(db, existing, request):
        raise TaxonExists(f"{scientific_name} is there already", taxon_id=str(existing))
    taxon, made = await make_once(db, taxon, request, taken={})
    if made:
        note(db, "taxon-added", actor_id=request.caller_id, subject_kind="taxon", subject_id=taxon.id)
    return taxon, made
