"""Imports what works on operations of this feature."""

from expert.postprocessing import follow_job, run_batches, undo_run

__all__ = ["follow_job", "run_batches", "undo_run"]
