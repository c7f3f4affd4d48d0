"""Collects what is known of each file of the folder: from the scan, the upload, and the services."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.outcomes import Detection, FileOutcome, ModelUsed, Observation
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_cli.runs.workspace import Workspace
from trapper_client import replies
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure
from trapper_client.replies import Provider, Resource
from trapper_client.stack import connect_manager

_UNREADABLE = "The file is not a picture that can be read."
_NO_RESULT = "No result came for this photo."


class Known:
    """What the services know of the folder's resources, read once."""

    def __init__(self, expert: TrapperClient, workspace: Workspace, detector: Provider) -> None:
        self.resources: dict[str, Resource] = {
            each.id: each for each in expert.resources(collection_id=workspace.collection_id)
        }
        self.detections: dict[str, tuple[Detection, ...]] = {}
        self.failures: dict[str, str] = {}
        self.observations: dict[str, list[Observation]] = {}
        self._read_detections(expert, workspace, detector)
        self._read_observations(expert, workspace)
        self._read_failures(expert, workspace)

    def failure_of(self, resource_id: str) -> str | None:
        """Why there is no result, in a sentence; None when there is one."""
        resource = self.resources.get(resource_id)
        if resource is not None and resource.state == "unreadable":
            return sentence(resource.failure_message or _UNREADABLE)
        if resource_id in self.detections:
            return None
        return sentence(self.failures.get(resource_id, _NO_RESULT))

    def _read_detections(self, expert: TrapperClient, workspace: Workspace, detector: Provider) -> None:
        filters = {"linked_collection_id": workspace.linked_collection_id}
        for seen in expert.machine_detections(workspace.project_id, **filters):
            if seen.detector is not None and seen.detector.sha256 != detector.sha256:
                continue
            if seen.outcome == "failed":
                self.failures[seen.resource_id] = seen.message or seen.code or _NO_RESULT
            else:
                self.detections[seen.resource_id] = tuple(map(_detection, seen.detections))

    def _read_observations(self, expert: TrapperClient, workspace: Workspace) -> None:
        found = expert.observations(
            classification_project_id=workspace.project_id,
            linked_collection_id=workspace.linked_collection_id,
            type="ai",
            current=True,
        )
        for each in found:
            if each.resource_id is not None:
                self.observations.setdefault(each.resource_id, []).append(_observation(each))

    def _read_failures(self, expert: TrapperClient, workspace: Workspace) -> None:
        """The latest word on resources that no job could look at."""
        without = set(self.resources) - set(self.detections) - set(self.failures)
        without -= {each.id for each in self.resources.values() if each.state == "unreadable"}
        if not without:
            return
        jobs = sorted(expert.jobs(linked_collection_id=workspace.linked_collection_id), key=lambda job: job.id)
        for job in reversed(jobs):
            for outcome in expert.job_resources(job.id, outcome="failed"):
                if outcome.resource_id in without:
                    self.failures.setdefault(outcome.resource_id, outcome.message or outcome.code or _NO_RESULT)


def outcomes(
    photos: Sequence[PhotoFile],
    failures: Iterable[FileFailure],
    *,
    hashes: Mapping[str, str],
    resources: Mapping[str, str],
    known: Known,
) -> list[FileOutcome]:
    """One outcome for each file: seen, or failed with its reason."""
    failed = {failure.relative: failure for failure in failures}
    made = [
        FileOutcome(relative=each.relative, sha256=hashes.get(each.relative), failure=sentence(each.reason))
        for each in failed.values()
        if each.is_media
    ]
    for photo in photos:
        if photo.relative in failed:
            continue
        sha256 = hashes[photo.relative]
        resource_id = resources[sha256]
        resource = known.resources.get(resource_id)
        captured_at = resource.captured_at.isoformat() if resource and resource.captured_at else None
        failure = known.failure_of(resource_id)
        made.append(
            FileOutcome(
                relative=photo.relative,
                sha256=sha256,
                deployment=photo.folder or None,
                captured_at=captured_at,
                failure=failure,
                detections=() if failure else known.detections[resource_id],
                observations=() if failure else tuple(known.observations.get(resource_id, ())),
            )
        )
    return made


def models_used(choice: Choice) -> tuple[ModelUsed, ModelUsed | None]:
    """The models as output files name them, with what the catalogue says of their labels."""
    descriptions = _descriptions(choice)
    return _model(choice.detector, None), None if choice.species is None else _model(choice.species, descriptions)


def sentence(text: str) -> str:
    """One plain sentence: no line breaks, a capital at its beginning and a full stop at its end."""
    plain = " ".join(text.split())
    plain = plain[:1].upper() + plain[1:]
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."


def _descriptions(choice: Choice) -> dict[str, str] | None:
    """The species model's labels in its own order, each with its scientific name where one is known."""
    if choice.species is None:
        return None
    with suppress(Failure), connect_manager() as manager:
        for model in manager.models():
            if model.get("sha256") == choice.species.sha256:
                labels = (model.get("spec") or {}).get("labels", [])
                return {label["label"]: label.get("scientific_name") or label["label"] for label in labels}
    return None


def _model(provider: Provider, descriptions: Mapping[str, str] | None) -> ModelUsed:
    return ModelUsed(
        name=provider.name,
        version=provider.version,
        sha256=provider.sha256 or "",
        typical=provider.threshold_typical,
        conservative=provider.threshold_conservative,
        descriptions=descriptions,
    )


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
        label=seen.label,
        scientific_name=seen.scientific_name,
        count=seen.count,
        detection_confidence=seen.detection_confidence,
        classification_confidence=seen.classification_confidence,
        bbox=seen.bbox,
    )
