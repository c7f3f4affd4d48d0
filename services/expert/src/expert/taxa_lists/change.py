"""Change a taxa list: its name, and the taxa that it holds."""

from collections.abc import Collection
from uuid import UUID

from expert.access.make_once import keep
from expert.taxa_lists import queries
from expert.taxa_lists.create import refusals
from expert.taxa_lists.models import TaxaList
from expert.taxa_lists.state import content_fingerprint
from trapper_kit.db import Session


async def change_list(db: Session, row: TaxaList, name: str) -> None:
    """Gives the list another name; raises TaxaListNameTaken."""
    row.name = name
    await keep(db, row, taken=refusals(name))


async def add_taxa(db: Session, row: TaxaList, taxon_ids: Collection[UUID]) -> int:
    """How many taxa were added; those that are in the list stay. The caller has locked the list."""
    added = await queries.add_entries(db, row.id, taxon_ids)
    if added:
        await _renew_fingerprint(db, row)
    return added


async def remove_taxon(db: Session, row: TaxaList, taxon_id: UUID) -> None:
    """Takes the taxon out of the list if it is in it. The caller has locked the list."""
    if await queries.remove_entry(db, row.id, taxon_id):
        await _renew_fingerprint(db, row)


async def _renew_fingerprint(db: Session, row: TaxaList) -> None:
    row.fingerprint = content_fingerprint(await queries.taxon_ids(db, row.id))
    await db.flush()
