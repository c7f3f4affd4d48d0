"""What a person reads at the end: how many photos, what was on them, what failed, how fast it went."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trapper_cli.runs.names import as_text
from trapper_cli.runs.outcomes import FileOutcome
from trapper_cli.runs.scan import FileFailure
from trapper_client.output import say, table

_SHOWN_FAILURES = 20


@dataclass(frozen=True)
class Report:
    """Counts of files; a file with the same bytes as another counts as well."""

    outcomes: Sequence[FileOutcome]
    folders_failed: Sequence[FileFailure]
    ignored: int
    uploaded: int
    seconds: float

    @property
    def photos(self) -> int:
        return len(self.outcomes)

    @property
    def seen(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.failure is None]

    @property
    def failures(self) -> list[tuple[str, str]]:
        """File (or folder) and reason."""
        files = [(outcome.relative, outcome.failure) for outcome in self.outcomes if outcome.failure is not None]
        return [*files, *((failure.relative, failure.reason) for failure in self.folders_failed)]

    @property
    def species(self) -> dict[str, int]:
        """On how many photos each species was seen, the most frequent first; an animal without a name is none."""
        labels: Counter[str | None] = Counter()
        for outcome in self.seen:
            animals = [each for each in outcome.observations if each.observation_type == "animal"]
            labels.update({each.label for each in animals if each.label not in {None, each.observation_type}})
        named = [(label, count) for label, count in labels.items() if label is not None]
        return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))

    def with_type(self, observation_type: str) -> int:
        return sum(outcome.has(observation_type) for outcome in self.seen)

    def document(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "photos": self.photos,
            "blank": sum(outcome.is_blank for outcome in self.seen),
            "animals": self.with_type("animal"),
            "humans": self.with_type("human"),
            "vehicles": self.with_type("vehicle"),
            "species": self.species,
            "failed": len(self.failures),
            "failures": [{"file": file, "reason": reason} for file, reason in self.failures],
            "ignored": self.ignored,
            "uploaded": self.uploaded,
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.photos / self.seconds, 2) if self.seconds else 0.0,
        }

    def show(self) -> None:
        """For people."""
        told = self.document()
        rows: list[tuple[str, object]] = [
            ("Photos", told["photos"]),
            ("Blank", told["blank"]),
            ("With animals", told["animals"]),
            ("With humans", told["humans"]),
            ("With vehicles", told["vehicles"]),
            *((f"  {label}", count) for label, count in self.species.items()),
            ("Failed", told["failed"]),
        ]
        if self.ignored:
            rows.append(("Other files, left out", self.ignored))
        rows += [("Seconds", f"{self.seconds:.1f}"), ("Images per second", f"{told['images_per_second']:.1f}")]
        table(("", ""), rows)
        self._show_failures()

    def _show_failures(self) -> None:
        failures = self.failures
        if not failures:
            return
        say()
        table(("Failed", "Why"), ((as_text(file), reason) for file, reason in failures[:_SHOWN_FAILURES]))
        if len(failures) > _SHOWN_FAILURES:
            say(f"… and {len(failures) - _SHOWN_FAILURES} more; --json or --out lists them all.")
