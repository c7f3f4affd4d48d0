"""Which addresses a lease allows, and what a failed call means for a resource; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from trapper_schemas.v1.results import FailureCode

_NOT_THERE = {401, 403, 404, 410}


class MediaFailed(Exception):  # noqa: N818 - named after what is the case
    """One resource could not be fetched; `again` when asking later may help."""

    def __init__(self, code: FailureCode, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.again = again


@dataclass(frozen=True)
class Origins:
    """The origins of a lease, and those that this machine allows, when its settings name any."""

    lease: frozenset[str]
    cap: frozenset[str]

    @classmethod
    def of(cls, lease: Iterable[str], cap: Iterable[str]) -> "Origins":
        """From origins with explicit ports."""
        return cls(frozenset(lease), frozenset(cap))

    def check(self, origin: str) -> None:
        """Raise MediaFailed when this origin may not be called for this lease."""
        if origin not in self.lease:
            raise MediaFailed(FailureCode.MEDIA_REFUSED, f"{origin} is not an origin that the job names")
        if self.cap and origin not in self.cap:
            raise MediaFailed(FailureCode.MEDIA_REFUSED, f"{origin} is not an origin that this worker may call")


def refusal(status: int, title: str) -> MediaFailed:
    """The failure of a resource whose media server answered with this status."""
    if status in _NOT_THERE:
        return MediaFailed(FailureCode.MEDIA_REFUSED, f"the media server refused the file: {title}")
    again = status >= 500 or status in {408, 425, 429}  # noqa: PLR2004 - HTTP's own numbers
    return MediaFailed(FailureCode.MEDIA_UNREACHABLE, f"the media server did not give the file: {title}", again=again)
