"""What became of each file of the folder: the one shape that the table and both kinds of output file are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

BLANK = "blank"
_OBJECTS = ("animal", "human", "vehicle", "unknown")


class Status(StrEnum):
    """How a file ended; `damaged` has no object on it, but what is missing of it may have had one."""

    SEEN = "seen"
    BLANK = "blank"
    DAMAGED = "damaged"
    FAILED = "failed"


@dataclass(frozen=True)
class Detection:
    """One box as the detector gave it, with the classifier's labels for it, best first."""

    observation_type: str
    score: float
    bbox: tuple[float, float, float, float]
    classifications: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Observation:
    """One observation of the photo's current AI classification, as the service keeps it."""

    observation_type: str
    label: str | None = None
    scientific_name: str | None = None
    count: int | None = None
    detection_confidence: float | None = None
    classification_confidence: float | None = None
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class KeptAt:
    """The place under which a photo's bytes are counted, where that is another one than the file's own."""

    deployment: str | None
    path: str


@dataclass(frozen=True)
class FileOutcome:
    """One file: seen, with its detections and observations, or failed, with one sentence."""

    relative: str
    sha256: str | None = None
    deployment: str | None = None
    captured_at: str | None = None
    time_source: str | None = None
    is_damaged: bool = False
    is_unread: bool = False
    has_no_result: bool = False
    kept_at: KeptAt | None = None
    failure: str | None = None
    detections: tuple[Detection, ...] = ()
    observations: tuple[Observation, ...] = ()

    def has(self, observation_type: str) -> bool:
        return any(observation.observation_type == observation_type for observation in self.observations)

    @property
    def status(self) -> Status:
        if self.failure is not None:
            return Status.FAILED
        if any(self.has(kind) for kind in _OBJECTS):
            return Status.SEEN
        return Status.DAMAGED if self.is_damaged or self.has("unclassified") else Status.BLANK


@dataclass(frozen=True)
class Duplicate:
    """Files of this folder with the same bytes, and the place under which they are counted."""

    sha256: str
    files: tuple[str, ...]
    counted_at: KeptAt


@dataclass(frozen=True)
class InputGap:
    """A folder, or a file that is not known to be a photo, which could not be read from the drive."""

    relative: str
    reason: str


@dataclass(frozen=True)
class RunResult:
    """What output files are made from: every file, what of the input is missing, and which visit it was."""

    collection: str
    outcomes: Sequence[FileOutcome]
    gaps: Sequence[InputGap] = ()

    @property
    def is_partial(self) -> bool:
        return bool(self.gaps) or any(outcome.is_unread for outcome in self.outcomes)

    @property
    def unread(self) -> list[InputGap]:
        """Everything that could not be read from the drive."""
        files = [InputGap(each.relative, each.failure or "") for each in self.outcomes if each.is_unread]
        return [*self.gaps, *files]

    @property
    def counted(self) -> list[FileOutcome]:
        """Each photo once, however many files have its bytes; files that failed are counted one by one."""
        first: dict[str, FileOutcome] = {}
        for each in self.outcomes:
            key = each.relative if each.failure is not None or each.sha256 is None else f"sha256 {each.sha256}"
            if key not in first or each.kept_at is None:
                first[key] = each
        return list(first.values())

    @property
    def looked_at(self) -> list[FileOutcome]:
        """The photos that have a result."""
        return [each for each in self.counted if each.failure is None]

    @property
    def without_time(self) -> int:
        """How many photos have a result and no known time."""
        return sum(each.captured_at is None for each in self.looked_at)

    @property
    def duplicates(self) -> list[Duplicate]:
        """Photos whose bytes lie at several places: files of this folder, or one that an earlier run sent."""
        files: dict[str, list[FileOutcome]] = {}
        for each in self.outcomes:
            if each.failure is None and each.sha256 is not None:
                files.setdefault(each.sha256, []).append(each)
        duplicates: list[Duplicate] = []
        for sha256, same in files.items():
            kept_at = next((each.kept_at for each in same if each.kept_at is not None), None)
            if kept_at is not None or len(same) > 1:
                at = kept_at or KeptAt(same[0].deployment, same[0].relative)
                duplicates.append(Duplicate(sha256, tuple(each.relative for each in same), at))
        return duplicates


@dataclass(frozen=True)
class ModelUsed:
    """A model as output files name it."""

    name: str
    version: str
    sha256: str
    typical: float | None = None
    conservative: float | None = None
    descriptions: Mapping[str, str] | None = None
