"""What a person reads at the end: what failed, how many photos, what was on them, how fast it went."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trapper_cli.runs.names import as_text
from trapper_cli.runs.outcomes import FileOutcome, RunResult, Status
from trapper_cli.runs.plan import PlannedDeployment, count_sources, shown_sources
from trapper_client.output import say, table, tell

_MOST_SHOWN = 20
EXIT_WHOLE, EXIT_NOTHING, EXIT_PARTIAL = 0, 1, 3


@dataclass(frozen=True)
class Report:
    """Counts of photos; the same bytes at several places are one photo."""

    result: RunResult
    planned: Sequence[PlannedDeployment]
    visit: int
    ignored: int
    uploaded: int
    looked_at: int
    """How many photos the AI looked at in this run; the others have results of earlier runs."""
    seconds: float
    events: int | None = None
    """Sequences of the photos; None when they were not known yet."""

    @property
    def photos(self) -> list[FileOutcome]:
        return self.result.counted

    @property
    def failures(self) -> list[tuple[str, str]]:
        """Every file that failed and every folder that was not read, with the reason."""
        files = [(each.relative, each.failure) for each in self.result.outcomes if each.failure is not None]
        return [*files, *((gap.relative, gap.reason) for gap in self.result.gaps)]

    @property
    def failed(self) -> int:
        """Photos without a result; folders are not among them."""
        return sum(each.failure is not None for each in self.result.outcomes)

    @property
    def exit_code(self) -> int:
        """0: the result is whole. 1: no photo was looked at, or one has no result. 3: the input was read in part."""
        if not self.result.looked_at or any(each.has_no_result for each in self.result.outcomes):
            return EXIT_NOTHING
        return EXIT_PARTIAL if self.result.is_partial else EXIT_WHOLE

    @property
    def problem(self) -> str | None:
        """Why the result is not whole, in a sentence; None when it is."""
        missing = sum(each.has_no_result for each in self.result.outcomes)
        if missing:
            return f"{missing} photo(s) have no result. Run the same command again; trapper doctor says what is wrong."
        if not self.result.looked_at:
            return "No photo was looked at: all of them failed."
        if self.result.is_partial:
            unread = self.result.unread
            return f"The input could be read only in part: {len(unread)} file(s) or folder(s) are missing."
        return None

    @property
    def species(self) -> dict[str, int]:
        """Photos per species, the most frequent first; an animal without a name is none."""
        labels: Counter[str | None] = Counter()
        for photo in self.result.looked_at:
            animals = [each for each in photo.observations if each.observation_type == "animal"]
            labels.update({each.label for each in animals if each.label not in {None, each.observation_type}})
        named = [(label, count) for label, count in labels.items() if label is not None]
        return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))

    @property
    def time_sources(self) -> dict[str, int]:
        """Photos with a result per source of their time."""
        return count_sources(photo.time_source for photo in self.result.looked_at)

    @property
    def images_per_second(self) -> float:
        return self.looked_at / self.seconds if self.seconds else 0.0

    def with_type(self, observation_type: str) -> int:
        return sum(photo.has(observation_type) for photo in self.result.looked_at)

    def with_status(self, status: Status) -> int:
        return sum(photo.status is status for photo in self.result.looked_at)

    def document(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "collection": self.result.collection,
            "visit": self.visit,
            "deployments": [each.document() for each in self.planned],
            "files": len(self.result.outcomes),
            "photos": len(self.photos),
            "blank": self.with_status(Status.BLANK),
            "animals": self.with_type("animal"),
            "humans": self.with_type("human"),
            "vehicles": self.with_type("vehicle"),
            "species": self.species,
            "damaged": sum(photo.is_damaged for photo in self.result.looked_at),
            "time_sources": self.time_sources,
            "without_time": self.result.without_time,
            "events": self.events,
            "failed": self.failed,
            "failures": [{"file": file, "reason": reason} for file, reason in self.failures],
            "input_complete": not self.result.is_partial,
            "not_read": [{"file": gap.relative, "reason": gap.reason} for gap in self.result.unread],
            "duplicates": [
                {
                    "sha256": each.sha256,
                    "files": list(each.files),
                    "counted_at": {"deployment": each.counted_at.deployment, "path": each.counted_at.path},
                }
                for each in self.result.duplicates
            ],
            "ignored": self.ignored,
            "uploaded": self.uploaded,
            "looked_at": self.looked_at,
            "seconds": round(self.seconds, 2),
            "images_per_second": round(self.images_per_second, 2),
        }

    def show(self) -> None:
        """For people: what is wrong first, and counts of what is on the photos only when there are any."""
        if self.problem is not None:
            tell(self.problem)
        self._show_failures()
        rows: list[tuple[str, object]] = [("Photos", len(self.photos))]
        if self.result.looked_at:
            rows += [
                ("Blank", self.with_status(Status.BLANK)),
                ("With animals", self.with_type("animal")),
                ("With humans", self.with_type("human")),
                ("With vehicles", self.with_type("vehicle")),
                *((f"  {label}", count) for label, count in self.species.items()),
            ]
        document = self.document()
        optional = (
            ("Events", self.events),
            ("Failed", self.failed),
            ("Damaged, so not known to be blank", document["damaged"]),
            ("Times from", shown_sources(self.time_sources)),
            ("Without a time", self.result.without_time),
            ("Files with the bytes of another", sum(len(each.files) for each in self.result.duplicates)),
            ("Not read", len(self.result.unread)),
            ("Other files, left out", self.ignored),
        )
        rows += [(name, value) for name, value in optional if value]
        rows.append(("Seconds", f"{self.seconds:.1f}"))
        if self.looked_at:
            rows.append(("Images per second", f"{self.images_per_second:.1f}"))
        table(("", ""), rows)
        self._show_duplicates()

    def _show_failures(self) -> None:
        failures = self.failures
        if not failures:
            return
        table(("Failed", "Why"), ((as_text(file), reason) for file, reason in failures[:_MOST_SHOWN]))
        if len(failures) > _MOST_SHOWN:
            say(f"… and {len(failures) - _MOST_SHOWN} more; --json or --out lists them all.")
        say()

    def _show_duplicates(self) -> None:
        duplicates = self.result.duplicates
        if not duplicates:
            return
        say()
        table(
            ("Same bytes", "Counted at", "Deployment"),
            (
                (", ".join(map(as_text, each.files)), as_text(each.counted_at.path), each.counted_at.deployment)
                for each in duplicates[:_MOST_SHOWN]
            ),
        )
        if len(duplicates) > _MOST_SHOWN:
            say(f"… and {len(duplicates) - _MOST_SHOWN} more; --json lists them all.")
