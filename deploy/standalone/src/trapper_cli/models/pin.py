"""Decides which hash an unpinned entry gets: one that workers proposed, one that was told, or that of a download."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trapper_cli.models.download import fetch_weights, find_origin
from trapper_cli.models.install import describe
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import table, tell
from trapper_schemas.v1.models import ModelEntry, ModelPins, ProposedPin

Ask = Callable[[str], bool]


@dataclass(frozen=True)
class Pin:
    """A hash that an operator stands for, and where it is from."""

    sha256: str
    size_bytes: int | None
    source: str


def decide(entry: ModelEntry, known: ModelPins, *, sha256_given: str | None, ask: Ask, folder: Path) -> Pin:
    """The pin; raises Failure when nobody may decide, or when proposals contradict each other."""
    show(known)
    if known.sha256 is not None:
        raise Failure(f"{entry.name} {entry.version} is pinned to {known.sha256} already; nothing was changed.")
    if sha256_given is not None:
        return _as_given(entry, known, sha256_given)
    if len(known.proposals) > 1:
        raise WrongUsage(
            f"{len(known.proposals)} different hashes were proposed for {entry.name}, so none is chosen.",
            hint="Ask the publisher which hash is right, and give it: --sha256 HASH",
        )
    if known.proposals:
        return _as_proposed(entry, known.proposals[0], ask)
    return _as_downloaded(entry, ask, folder)


def show(known: ModelPins) -> None:
    """What workers proposed, for a person to compare."""
    for proposal in known.proposals:
        names = ", ".join(sorted({worker.name for worker in proposal.workers}))
        first = min(worker.proposed_at for worker in proposal.workers)
        when = f"first on {first:%Y-%m-%d %H:%M} UTC"
        tell(f"Proposed: sha256 {proposal.sha256}, {proposal.size_bytes} bytes, by {names}, {when}.")


def list_proposals(known: ModelPins) -> None:
    """The same as a table on standard output."""
    table(
        ("sha256", "bytes", "proposed by"),
        (
            [proposal.sha256, proposal.size_bytes, ", ".join(worker.name for worker in proposal.workers)]
            for proposal in known.proposals
        ),
        empty="No worker proposed a hash.",
    )


def _as_given(entry: ModelEntry, known: ModelPins, sha256_given: str) -> Pin:
    proposed = next((proposal for proposal in known.proposals if proposal.sha256 == sha256_given), None)
    if proposed is None:
        if known.proposals:
            tell(f"No worker proposed this hash for {entry.name}; it is pinned because --sha256 names it.")
        return Pin(sha256_given, None, "told")
    return Pin(sha256_given, proposed.size_bytes, "proposed")


def _as_proposed(entry: ModelEntry, proposed: ProposedPin, ask: Ask) -> Pin:
    tell(f"{entry.name} {entry.version}, licence {entry.licence}.")
    if not ask("Pin the entry to these weights?"):
        raise Failure("Nothing was pinned.")
    return Pin(proposed.sha256, proposed.size_bytes, "proposed")


def _as_downloaded(entry: ModelEntry, ask: Ask, folder: Path) -> Pin:
    origin = find_origin(entry)
    tell(f"No worker proposed a hash. {describe(entry, origin)}.")
    if not ask("Download it under this licence, to see its hash?"):
        raise Failure("Nothing was pinned.")
    fetched = fetch_weights(entry, origin, folder)
    fetched.path.unlink(missing_ok=True)  # whoever runs the model fetches it again, and compares
    tell(f"Downloaded {fetched.size_bytes} bytes, sha256 {fetched.sha256}.")
    if not ask("Pin the entry to these weights?"):
        raise Failure("Nothing was pinned.")
    return Pin(fetched.sha256, fetched.size_bytes, "downloaded")
