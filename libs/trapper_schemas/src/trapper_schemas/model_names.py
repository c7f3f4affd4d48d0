"""Names that no model may be given, because commands and settings use them for something else."""

RESERVED = frozenset({"none", "auto", "null", "default"})
"""What `trapper run --detector` and `--species` take instead of a name; compared without case."""
SHIPPED_PREFIX = "demo-"
"""Names of shipped models begin so, by which everybody recognises their results."""


def why_reserved(name: str, *, shipped: bool = False) -> str | None:
    """Why a model cannot be called so, as a sentence without its full stop; None when it can."""
    if name.casefold() in RESERVED:
        return f"{name!r} is a reserved word: choose another name"
    if not shipped and name.casefold().startswith(SHIPPED_PREFIX):
        return f"names that begin with {SHIPPED_PREFIX!r} are those of shipped models: choose another name"
    return None
