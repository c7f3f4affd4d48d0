"""Limits how many bodies of one account a web process receives at once: a counting semaphore per account."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from expert.uploads.errors import TooManyUploads

_RETRY_SECONDS = 1


@contextmanager
def limit_uploads(receiving: Counter[UUID], user_id: UUID, *, at_most: int) -> Generator[None, None, None]:
    """Count one body of an account while it is received; raises TooManyUploads, before its first byte is read."""
    if receiving[user_id] >= at_most:
        raise TooManyUploads(f"{at_most} files of this account are being received", retry_after=_RETRY_SECONDS)
    receiving[user_id] += 1
    try:
        yield
    finally:
        receiving[user_id] -= 1
        if not receiving[user_id]:
            del receiving[user_id]
