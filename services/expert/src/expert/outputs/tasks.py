"""Imports what works on operations of this feature."""

from expert.outputs import backfill

__all__ = ["backfill"]
