"""Task messages and sweeps that keep sequences; resources that change are found by rows that triggers write."""

from expert.base import task
from expert.deps import ExpertWork
from expert.sequences.build import build_missing
from expert.sequences.extend import extend_changed


@task("sequences.build_new", swept_by="sequences.build", max_retries=0)
async def build_new(work: ExpertWork) -> None:
    """Build the sequences of a collection that was just linked, or has another interval."""
    await build_missing(work)


@task("sequences.build", every="intervals.sweep")
async def build(work: ExpertWork) -> None:
    """Start building sequences where there are none, or where the interval was changed."""
    await build_missing(work)


@task("sequences.extend", every="intervals.sweep")
async def extend(work: ExpertWork) -> None:
    """Extend sequences by what was uploaded, described, moved or archived since."""
    await extend_changed(work)
