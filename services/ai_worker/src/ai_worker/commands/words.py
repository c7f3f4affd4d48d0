"""Sizes and times as text."""

_STEP = 1024.0
_DAY_HOURS = 48


def bytes_in_words(size: float) -> str:
    """Returns such as `3.4 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} TiB"


def hours_in_words(seconds: float) -> str:
    """Returns such as `3 days`, `71 minutes`."""
    hours = seconds / 3600
    if hours >= _DAY_HOURS:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} hours" if hours >= 2 else f"{max(0, seconds) / 60:.0f} minutes"  # noqa: PLR2004
