"""Find the taxon that each row of a table of names or keys means, without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from expert.taxa_lists import queries
from expert.taxa_lists.state import Fate
from trapper_kit.db import Session


@dataclass(frozen=True)
class GivenRow:
    """A row: a scientific name, or a key in a checklist."""

    scientific_name: str | None = None
    checklist: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class MatchedRow:
    """What a row came to; the taxon is an accepted one, null for a row that means none or several."""

    fate: Fate
    taxon_id: UUID | None = None


async def match_rows(db: Session, rows: Sequence[GivenRow]) -> list[MatchedRow]:
    """For each row its taxon: by key where one is given, else by name in any letter case, with or without author."""
    keys = {(row.checklist, row.key) for row in rows if row.checklist and row.key}
    names = {row.scientific_name.lower() for row in rows if row.scientific_name}
    by_key = await queries.find_by_keys(db, keys) if keys else {}
    by_name = await queries.find_by_names(db, names) if names else {}
    matched: list[MatchedRow] = []
    for row in rows:
        if row.checklist and row.key:
            found = [by_key[row.checklist, row.key]] if (row.checklist, row.key) in by_key else []
        else:
            found = by_name.get((row.scientific_name or "").lower(), [])
        matched.append(_match(found))
    return matched


def _match(found: Sequence[tuple[UUID, UUID]]) -> MatchedRow:
    accepted = {accepted_id for _, accepted_id in found}
    if not accepted:
        return MatchedRow(Fate.UNKNOWN)
    if len(accepted) > 1:
        return MatchedRow(Fate.AMBIGUOUS)
    (taxon_id,) = accepted
    is_accepted = any(each == taxon_id for each, _ in found)
    return MatchedRow(Fate.MATCHED if is_accepted else Fate.SYNONYM, taxon_id)
