"""Say that batches wait: to claims that wait here, and by a notification to workers that sleep."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ai_manager.batches.models import Batch
from ai_manager.batches.state import SEPARATOR, BatchState
from ai_manager.deps import Work, channel
from trapper_kit.db import Session, notify
from trapper_schemas.notifications import RUN_BATCH_PREDICTION, runtime_queue
from trapper_schemas.protocol import PROTOCOL


def joined(runtimes: Iterable[str]) -> str:
    """Runtimes as one text, as a batch carries them."""
    return SEPARATOR.join(sorted(runtimes))


def waiting_runtimes(batches: Sequence[Batch]) -> Counter[str]:
    """For each runtime, how many of these batches wait."""
    return Counter(
        runtime for batch in batches if batch.state is BatchState.WAITING for runtime in batch.runtimes.split(SEPARATOR)
    )


async def wake_claims(db: Session, batches: Sequence[Batch]) -> list[str]:
    """After the commit, as many waiting claims look as there are new batches; the answer is for `ring_workers`."""
    counts = waiting_runtimes(batches)
    for runtime, count in counts.items():
        await notify(db, channel(runtime), count)
    return list(counts)


def notify_workers(work: Work, runtimes: Iterable[str]) -> None:
    """Ring once per runtime, after the commit; nothing depends on it."""
    for runtime in sorted(set(runtimes)):
        work.notifier.notify(runtime_queue(runtime), RUN_BATCH_PREDICTION, protocol=PROTOCOL, runtime=runtime)
