"""Which protocols there are: the one that is spoken, the one before it that is still served, and until when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

PROTOCOL = 2
"""What this version says of itself in `Trapper-Protocol`, and the version of the result blobs that it writes."""
SERVED = (1, 2)
"""What a Manager of this version understands, and the blobs that every reader of this version reads."""
HEADER = "Trapper-Protocol"


@dataclass(frozen=True)
class Ending:
    """A protocol that is on its way out."""

    deprecated: datetime
    sunset: datetime

    def headers(self) -> dict[str, str]:
        """As every reply to its callers says it: Deprecation (RFC 9745) and Sunset (RFC 8594)."""
        return {
            "Deprecation": f"@{int(self.deprecated.timestamp())}",
            "Sunset": format_datetime(self.sunset, usegmt=True),
        }


ENDINGS = {1: Ending(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC))}
"""Of those that are served and are not the newest; the dates stand in this package's CHANGELOG.md."""


def notice(protocol: int) -> str | None:
    """The sentence for whoever runs a caller of a protocol that ends."""
    ending = ENDINGS.get(protocol)
    if ending is None:
        return None
    return (
        f"protocol {protocol} is served until {ending.sunset:%Y-%m-%d}; "
        f"install a version that speaks protocol {PROTOCOL} before that day"
    )
