"""Why a model cannot be used on this machine."""


class ModelRefused(Exception):  # noqa: N818 - named after what is the case
    """A file that will not be run; `reason` is a stable code, the message says what was seen and expected."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RuntimeAbsent(Exception):  # noqa: N818 - named after what is the case
    """ONNX Runtime is not installed here."""


class ProviderUnavailable(Exception):  # noqa: N818 - named after what is the case
    """The device that was asked for cannot run; nothing falls back by itself."""


def first_line(problem: Exception) -> str:
    """What a runtime complained about, without its trace."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]
