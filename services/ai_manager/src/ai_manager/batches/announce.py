"""Announces waiting batches: wakes claims that wait here, and notifies workers."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ai_manager.batches.models import Batch
from ai_manager.batches.state import SEPARATOR, BatchState
from ai_manager.deps import Work, channel
from trapper_kit.db import Session, notify
from trapper_schemas.notifications import RUN_BATCH_PREDICTION, runtime_queue
from trapper_schemas.protocol import PROTOCOL


def joined(runtimes: Iterable[str]) -> str:
    """Returns runtimes as the one text that a batch carries."""
    return SEPARATOR.join(sorted(runtimes))


def waiting_runtimes(batches: Sequence[Batch]) -> Counter[str]:
    """Returns how many of these batches wait for each runtime."""
    return Counter(
        runtime for batch in batches if batch.state is BatchState.WAITING for runtime in batch.runtimes.split(SEPARATOR)
    )


async def wake_claims(db: Session, batches: Sequence[Batch]) -> list[str]:
    """Wakes as many waiting claims as there are new batches, after the commit; returns the runtimes to notify."""
    counts = waiting_runtimes(batches)
    for runtime, count in counts.items():
        await notify(db, channel(runtime), count)
    return list(counts)


def notify_workers(work: Work, runtimes: Iterable[str]) -> None:
    """Sends one queue notification per runtime, after the commit; a lost one costs only time."""
    for runtime in sorted(set(runtimes)):
        work.notifier.notify(runtime_queue(runtime), RUN_BATCH_PREDICTION, protocol=PROTOCOL, runtime=runtime)
