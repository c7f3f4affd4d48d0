"""Reads what the services know of the folder's resources: states, detections, observations, and why some failed."""

from collections.abc import Iterable, Iterator

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import sentence
from trapper_cli.runs.outcomes import Detection, Observation
from trapper_cli.runs.workspace import Workspace
from trapper_client import replies
from trapper_client.client import TrapperClient
from trapper_client.replies import Resource

_UNREADABLE = "The file is not a picture that can be read."
_NO_RESULT = "No result came for this photo."
_IDS_PER_CALL = 50


class Known:
    """Read once, when every job has ended; detections and observations are those of the chosen detector only.

    The same bytes may lie in several folders: their AI row then belongs to whichever came first, so what the
    project knows is asked for by resource where this folder's own collection does not tell it.
    """

    def __init__(self, expert: TrapperClient, workspace: Workspace, choice: Choice) -> None:
        self._expert = expert
        self._workspace = workspace
        self._provider_id = choice.detector.id
        self.resources: dict[str, Resource] = {
            each.id: each for each in expert.resources(collection_id=workspace.collection_id)
        }
        self.detections: dict[str, tuple[Detection, ...]] = {}
        self.classifiers: dict[str, str | None] = {}
        self.failures: dict[str, str] = {}
        self._read_detections()
        self.observations = self._read_observations()
        self._read_failures()

    def failure_of(self, resource_id: str) -> str | None:
        """Why there is no result, in a sentence; None when there is one."""
        resource = self.resources.get(resource_id)
        if resource is not None and resource.state == "unreadable":
            return sentence(resource.failure_message or _UNREADABLE)
        if resource_id in self.detections:
            return None
        return sentence(self.failures.get(resource_id, _NO_RESULT))

    def looked_at_by_another(self, choice: Choice) -> list[str]:
        """Resources whose present result stems from another species model than the chosen one."""
        wanted = choice.species.sha256 if choice.species else None
        return sorted(each for each, classifier in self.classifiers.items() if classifier != wanted)

    def _read_detections(self) -> None:
        project = self._workspace.project_id
        here = self._workspace.linked_collection_id
        for seen in self._expert.machine_detections(project, provider_id=self._provider_id, linked_collection_id=here):
            if seen.resource_id not in self.resources:
                continue
            if seen.outcome == "failed":
                self.failures[seen.resource_id] = seen.message or seen.code or _NO_RESULT
            else:
                self.detections[seen.resource_id] = tuple(map(_detection, seen.detections))
                self.classifiers[seen.resource_id] = seen.classifier.sha256 if seen.classifier else None

    def _read_observations(self) -> dict[str, list[Observation]]:
        found = list(self._ask_observations(linked_collection_id=self._workspace.linked_collection_id))
        told = {each.resource_id for each in found}
        for ids in _chunks(set(self.detections) - told):
            found += self._ask_observations(resource_id=ids)
        foreign = self._rows_of_other_detectors(found)
        made: dict[str, list[Observation]] = {}
        for each in found:
            if each.resource_id in self.detections and each.classification_id not in foreign:
                made.setdefault(each.resource_id, []).append(_observation(each))
        return made

    def _ask_observations(self, **filters: object) -> Iterator[replies.Observation]:
        project = self._workspace.project_id
        return self._expert.observations(classification_project_id=project, type="ai", current=True, **filters)

    def _rows_of_other_detectors(self, found: Iterable[replies.Observation]) -> set[str]:
        """A photo that two detectors have looked at has a current row of each; only then rows are asked for."""
        rows: dict[str, set[str]] = {}
        for each in found:
            rows.setdefault(each.resource_id, set()).add(each.classification_id)
        twofold = [resource_id for resource_id, ids in rows.items() if len(ids) > 1]
        foreign: set[str] = set()
        for ids in _chunks(twofold):
            asked = self._expert.classifications(
                classification_project_id=self._workspace.project_id, resource_id=ids, type="ai", current=True
            )
            foreign |= {row.id for row in asked if row.provider_id != self._provider_id}
        return foreign

    def _read_failures(self) -> None:
        """The latest word on resources that no job could look at."""
        without = set(self.resources) - set(self.detections) - set(self.failures)
        without -= {each.id for each in self.resources.values() if each.state == "unreadable"}
        jobs = self._expert.jobs(classification_project_id=self._workspace.project_id) if without else ()
        for job in sorted(jobs, key=lambda job: job.id, reverse=True):
            if not job.failed or not without:
                continue
            for outcome in self._expert.job_resources(job.id, outcome="failed"):
                if outcome.resource_id in without:
                    self.failures[outcome.resource_id] = outcome.message or outcome.code or _NO_RESULT
                    without.discard(outcome.resource_id)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_PER_CALL):
        yield ordered[start : start + _IDS_PER_CALL]


def _detection(seen: replies.MachineDetection) -> Detection:
    return Detection(
        observation_type=seen.observation_type or "",
        score=seen.score,
        bbox=seen.bbox,
        classifications=tuple((said.label, said.score) for said in seen.classifications),
    )


def _observation(seen: replies.Observation) -> Observation:
    return Observation(
        observation_type=seen.observation_type,
        label=seen.name,
        scientific_name=seen.scientific_name,
        count=seen.count,
        detection_confidence=seen.detection_confidence,
        classification_confidence=seen.classification_confidence,
        bbox=seen.bbox,
    )
