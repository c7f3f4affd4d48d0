"""States of a catalogue entry, and which entries a job may use."""

from trapper_schemas.v1.models import Availability, ModelEntry, ModelKind

_IN_NO_JOB = {
    ModelKind.POSE: "nothing runs those",
    ModelKind.DEPTH: "no job runs those yet; it can be installed and tested",
}


def missing(entry: ModelEntry, *, held: bool, unpinned: bool = False) -> str | None:
    """Returns why this entry cannot be used and which command helps, or None; `unpinned` accepts no hash."""
    if entry.kind in _IN_NO_JOB:
        return f"{entry.name} is a {entry.kind.value} model, and {_IN_NO_JOB[entry.kind]}"
    return unavailable(entry, held=held, unpinned=unpinned)


def unavailable(entry: ModelEntry, *, held: bool, unpinned: bool = False) -> str | None:
    """Returns why the entry's weights cannot be had and which command helps, or None."""
    if entry.availability is Availability.CONVERT:
        return f"{entry.name} is published in another format: convert it, then {_install(entry)} --file FILE`"
    if entry.availability is Availability.BRING:
        return f"{entry.name} is not distributed here: get the file yourself, then {_install(entry)} --file FILE`"
    if entry.sha256 is None and not unpinned:
        return (
            f"the weights of {entry.name} were never confirmed: run {_install(entry)}`, "
            f"or `trapper models pin {entry.name}`"
        )
    if not held and not any(source.url for source in entry.sources):
        return f"the Manager does not have the weights of {entry.name}: run {_install(entry)}`"
    return None


def _install(entry: ModelEntry) -> str:
    return f"`trapper models install {entry.name}"
