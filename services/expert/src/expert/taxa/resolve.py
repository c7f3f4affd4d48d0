"""Find the taxa that labels speak of, and make those that a model names and nobody knew."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from expert.taxa import queries
from expert.taxa.models import Taxon
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class TaxonName:
    """What a label says about its taxon; keys are (checklist, key)."""

    label: str
    scientific_name: str | None = None
    rank: str | None = None
    common_name: str | None = None
    keys: tuple[tuple[str, str], ...] = ()


async def resolve_taxa(db: Session, names: Sequence[TaxonName]) -> list[UUID | None]:
    """By key, else by scientific name, else by the label itself; a scientific name that is new makes its taxon."""
    by_key = await queries.by_keys(db, {key for name in names for key in name.keys})
    texts = {text.lower() for name in names for text in (name.label, name.scientific_name) if text}
    by_name = await queries.by_names(db, texts)
    taxon_ids: list[UUID | None] = []
    new_keys: dict[tuple[str, str], UUID] = {}
    vernaculars: dict[UUID, str] = {}
    for name in names:
        taxon_id = next((by_key[key] for key in name.keys if key in by_key), None)
        taxon_id = taxon_id or by_name.get((name.scientific_name or name.label).lower())
        if taxon_id is None and name.scientific_name:
            taxon_id = _make(db, name)
            by_name[name.scientific_name.lower()] = taxon_id
        if taxon_id is not None and (vernacular := vernacular_name(name)) is not None:
            vernaculars.setdefault(taxon_id, vernacular)
        for each in name.keys:
            if taxon_id is not None and each not in by_key:
                by_key[each] = new_keys[each] = taxon_id
        taxon_ids.append(taxon_id)
    await db.flush()  # a model may name thousands; keys point at them
    for taxon_id, vernacular in vernaculars.items():
        await queries.add_vernacular(db, taxon_id, {"en": vernacular})
    for (checklist, key), taxon_id in new_keys.items():
        await queries.add_key(db, checklist, key, taxon_id)
    return taxon_ids


def _make(db: Session, name: TaxonName) -> UUID:
    taxon_id = uuid7()
    scientific = name.scientific_name or name.label
    row = Taxon(
        id=taxon_id,
        scientific_name=scientific,
        canonical_name=canonical(scientific),
        rank=name.rank,
        path=f"/{taxon_id}/",
        provisional=not name.keys,
    )
    db.add(row)
    return taxon_id


def vernacular_name(name: TaxonName) -> str | None:
    """The common name that a model gives, else its label where that is words beside the scientific name."""
    if name.common_name:
        return name.common_name
    plain = name.label.replace(" ", "").replace("-", "").replace("'", "").isalpha()
    scientific = name.scientific_name or name.label
    is_scientific = name.label.lower() in {scientific.lower(), canonical(scientific).lower()}
    return name.label if plain and not is_scientific else None


def canonical(scientific_name: str) -> str:
    """Without author and year: the first word, and the lower-case words that follow it."""
    words = scientific_name.split()
    kept = words[:1]
    for word in words[1:]:
        if not word.islower() or not word.replace("-", "").isalpha():
            break
        kept.append(word)
    return " ".join(kept)
