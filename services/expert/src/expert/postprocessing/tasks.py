"""Imports what works on operations of this feature."""

from expert.postprocessing import run_batches, undo_run

__all__ = ["run_batches", "undo_run"]
