"""What a row of a list of names comes to, and the fingerprint of a list's content."""

import hashlib
from collections.abc import Collection
from enum import StrEnum
from uuid import UUID


class Fate(StrEnum):
    """What a row comes to; the last two are no taxon that could be added."""

    MATCHED = "matched"
    SYNONYM = "synonym"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


FOUND = frozenset({Fate.MATCHED, Fate.SYNONYM})
"""Fates of rows whose taxon is added; that of a synonym is its accepted taxon."""


def content_fingerprint(taxon_ids: Collection[UUID]) -> str:
    """The sha256 of a list's taxa, whatever their order: lists with equal content have equal fingerprints."""
    return hashlib.sha256(",".join(sorted(str(each) for each in taxon_ids)).encode()).hexdigest()
