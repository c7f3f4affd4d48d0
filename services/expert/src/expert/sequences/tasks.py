"""Task messages and sweeps that keep sequences; resources that change are found by rows that triggers write."""

from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.sequences.build import build_missing
from expert.sequences.extend import extend_changed, extend_link


@task("sequences.build_new", swept_by="sequences.build", max_retries=0)
async def build_new(work: ExpertWork) -> None:
    """Build the sequences of a collection that was just linked, or has another interval."""
    await build_missing(work)


@task("sequences.extend_one", swept_by="sequences.extend", max_retries=0)
async def extend_one(work: ExpertWork, linked_collection_id: str) -> None:
    """Extend the sequences of one linked collection without a pause, such as at the end of a job."""
    while await extend_link(work, UUID(linked_collection_id)):
        pass


@task("sequences.build", every="intervals.sweep")
async def build(work: ExpertWork) -> None:
    """Start building sequences where there are none, or where the interval was changed."""
    await build_missing(work)


@task("sequences.extend", every="intervals.sweep")
async def extend(work: ExpertWork) -> None:
    """Extend sequences by what was uploaded, described, moved or archived since."""
    await extend_changed(work)
