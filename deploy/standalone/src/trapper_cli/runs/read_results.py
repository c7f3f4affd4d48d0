"""Reads what the services know of the folder's resources: states, detections, observations, and why some failed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Unpack

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import sentence
from trapper_cli.runs.outcomes import Detection, Observation
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import TrapperClient
from trapper_client.contract import MachineDetection, ObservationReply, ResourceReply, ResourceState
from trapper_client.derived import name_of
from trapper_client.filters import ObservationsListObservationsFilters

_UNREADABLE = "The file is not a picture that can be read."
NO_RESULT = "No result came for this photo."
_IDS_PER_CALL = 50


class Results:
    """Read once, when every job has ended; detections and observations are those of the chosen detector only.

    The same bytes may lie in several folders: their AI row then belongs to whichever came first, so what the
    project knows is read by resource where this folder's own collection does not have it.
    """

    def __init__(self, expert: TrapperClient, workspace: Workspace, choice: Choice) -> None:
        self._expert = expert
        self._workspace = workspace
        self._provider_id = choice.detector.id
        self._classifier = choice.species.sha256 if choice.species else None
        self.resources: dict[str, ResourceReply] = {
            each.id: each for each in expert.resources(collection_id=workspace.collection_id)
        }
        self.detections: dict[str, tuple[Detection, ...]] = {}
        self._classifiers: dict[str, str | None] = {}
        self.failures: dict[str, str] = {}
        self._read_detections()
        self.observations = self._read_observations()
        self._read_failures()

    def failure_of(self, resource_id: str) -> str | None:
        """Why there is no result, in a sentence; None when there is one."""
        resource = self.resources.get(resource_id)
        if resource is not None and resource.state is ResourceState.UNREADABLE:
            return sentence(resource.failure_message or _UNREADABLE)
        if resource_id in self.detections:
            return None
        return sentence(self.failures.get(resource_id, NO_RESULT))

    def of_other_models(self) -> list[str]:
        """Resources whose present result stems from another species model than the chosen one."""
        return sorted(key for key, classifier in self._classifiers.items() if classifier != self._classifier)

    def drop(self, resource_ids: Iterable[str]) -> None:
        """Leaves out results that are not those of the chosen models."""
        for resource_id in resource_ids:
            self.detections.pop(resource_id, None)

    def _read_detections(self) -> None:
        seen = self._expert.machine_detections(
            self._workspace.project_id,
            provider_id=self._provider_id,
            linked_collection_id=self._workspace.linked_collection_id,
        )
        for each in seen:
            if each.resource_id not in self.resources:
                continue
            if each.outcome == "failed":
                self.failures[each.resource_id] = each.message or each.code or NO_RESULT
            else:
                self.detections[each.resource_id] = tuple(map(_detection, each.detections))
                self._classifiers[each.resource_id] = each.classifier.sha256 if each.classifier else None

    def _read_observations(self) -> dict[str, list[Observation]]:
        rows = list(self._current_observations(linked_collection_id=[self._workspace.linked_collection_id]))
        known = {each.resource_id for each in rows}
        for ids in _chunks(set(self.detections) - known):
            rows += self._current_observations(resource_id=ids)
        made: dict[str, list[Observation]] = {}
        for each in rows:
            if each.resource_id in self.detections:
                made.setdefault(each.resource_id, []).append(_observation(each))
        return made

    def _current_observations(
        self, **filters: Unpack[ObservationsListObservationsFilters]
    ) -> Iterator[ObservationReply]:
        project = self._workspace.project_id
        scope: ObservationsListObservationsFilters = {
            "classification_project_id": [project],
            "provider_id": [self._provider_id],
            "type": ["ai"],
            "current": True,
        }
        return self._expert.observations(**(scope | filters))

    def _read_failures(self) -> None:
        """The latest failure of resources that have neither a result nor a failure of this detector."""
        without = set(self.resources) - set(self.detections) - set(self.failures)
        without -= {each.id for each in self.resources.values() if each.state is ResourceState.UNREADABLE}
        jobs = self._expert.jobs(classification_project_id=[self._workspace.project_id]) if without else ()
        for job in sorted(jobs, key=lambda job: job.id, reverse=True):
            if not job.failed or not without:
                continue
            for outcome in self._expert.job_resources(job.id, outcome=["failed"]):
                if outcome.resource_id in without:
                    self.failures[outcome.resource_id] = outcome.message or outcome.code or NO_RESULT
                    without.discard(outcome.resource_id)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_PER_CALL):
        yield ordered[start : start + _IDS_PER_CALL]


def _detection(detection: MachineDetection) -> Detection:
    return Detection(
        observation_type=detection.observation_type or "",
        score=detection.score,
        bbox=_box(detection.bbox),
        classifications=tuple((label.label, label.score) for label in detection.classifications),
    )


def _box(values: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return x, y, width, height


def _observation(observation: ObservationReply) -> Observation:
    return Observation(
        observation_type=observation.observation_type,
        label=name_of(observation),
        scientific_name=observation.scientific_name,
        count=observation.count,
        detection_confidence=observation.detection_confidence,
        classification_confidence=observation.classification_confidence,
        bbox=None if observation.bbox is None else _box(observation.bbox),
    )
