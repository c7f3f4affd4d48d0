"""The only way to ask for the time; a lease is never measured by it (the database's clock does that)."""

from datetime import UTC, datetime


class Clock:
    """Wall-clock time in UTC; tests pass another one."""

    def now(self) -> datetime:
        """The present moment, with zone."""
        return datetime.now(UTC)
