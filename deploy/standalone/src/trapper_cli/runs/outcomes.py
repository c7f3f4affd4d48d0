"""What became of each file of the folder: the one shape that the table and both kinds of output file are made from."""

from collections.abc import Mapping
from dataclasses import dataclass

BLANK = "blank"


@dataclass(frozen=True)
class Detection:
    """One box as the detector gave it, with what the classifier said about it, best first."""

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
class FileOutcome:
    """One file: seen, with its detections and observations, or failed, with one sentence."""

    relative: str
    sha256: str | None = None
    deployment: str | None = None
    captured_at: str | None = None
    failure: str | None = None
    detections: tuple[Detection, ...] = ()
    observations: tuple[Observation, ...] = ()

    def has(self, observation_type: str) -> bool:
        return any(observation.observation_type == observation_type for observation in self.observations)

    @property
    def is_blank(self) -> bool:
        """Looked at, and nothing found."""
        return self.failure is None and not any(self.has(kind) for kind in ("animal", "human", "vehicle", "unknown"))


@dataclass(frozen=True)
class ModelUsed:
    """A model as output files name it."""

    name: str
    version: str
    sha256: str
    typical: float | None = None
    conservative: float | None = None
    descriptions: Mapping[str, str] | None = None
