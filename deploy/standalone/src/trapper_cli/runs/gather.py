"""Puts together what is known of each file of the folder: from the scan, the upload, and the services."""

from collections.abc import Iterable, Mapping, Sequence

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import as_text, sentence
from trapper_cli.runs.outcomes import FileOutcome, KeptAt, ModelUsed
from trapper_cli.runs.read_results import NO_RESULT, Results
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_cli.runs.send import FileToSend
from trapper_client.client import TrapperClient
from trapper_client.contract import DeploymentReply, ProviderReply
from trapper_client.derived import taken_at


def gather_outcomes(
    photos: Sequence[PhotoFile],
    failures: Iterable[FileFailure],
    *,
    files: Mapping[str, FileToSend],
    deployments: Mapping[str, str],
    resources: Mapping[str, str],
    results: Results,
    known_deployments: Mapping[str, DeploymentReply],
) -> list[FileOutcome]:
    """One outcome for each file; `files` and `deployments` are by relative path, `resources` by sha256."""
    failed = {failure.relative: failure for failure in failures}
    outcomes = [
        FileOutcome(
            relative=each.relative,
            sha256=files[each.relative].sha256 if each.relative in files else None,
            deployment=deployments.get(each.relative),
            failure=sentence(each.reason),
            is_unread=each.is_unread,
        )
        for each in failed.values()
        if each.is_media
    ]
    for photo in photos:
        if photo.relative not in failed:
            file = files[photo.relative]
            deployment = deployments[photo.relative]
            outcomes.append(_outcome(file, deployment, resources[file.sha256], results, known_deployments))
    return outcomes


def models_used(expert: TrapperClient, choice: Choice) -> tuple[ModelUsed, ModelUsed | None]:
    """The models as output files name them, with what is known of the species model's labels."""
    if choice.species is None:
        return _model(choice.detector), None
    labels = expert.provider(choice.species.id).categories
    descriptions = {each.label: each.scientific_name or each.label for each in labels}
    return _model(choice.detector), _model(choice.species, descriptions)


def _outcome(
    file: FileToSend,
    deployment: str,
    resource_id: str,
    results: Results,
    known_deployments: Mapping[str, DeploymentReply],
) -> FileOutcome:
    resource = results.resources.get(resource_id)
    captured_at = taken_at(resource) if resource else None
    failure = results.failure_of(resource_id)
    is_damaged = resource is not None and resource.is_damaged
    kept_at = None
    path = as_text(file.photo.relative)
    if resource is not None and (resource.deployment_id, resource.file_path) != (file.deployment_id, path):
        current = known_deployments.get(resource.deployment_id or "")
        kept_at = KeptAt(current.deployment_id if current else None, resource.file_path)
    observations = () if failure else tuple(results.observations.get(resource_id, ()))
    return FileOutcome(
        relative=file.photo.relative,
        sha256=file.sha256,
        deployment=deployment,
        captured_at=captured_at.isoformat() if captured_at else None,
        time_source=resource.time_source if resource else None,
        is_damaged=is_damaged,
        has_no_result=failure == NO_RESULT,
        kept_at=kept_at,
        failure=failure,
        detections=() if failure else results.detections[resource_id],
        observations=tuple(each for each in observations if not (is_damaged and each.observation_type == "blank")),
    )


def _model(provider: ProviderReply, descriptions: Mapping[str, str] | None = None) -> ModelUsed:
    return ModelUsed(
        name=provider.name,
        version=provider.version,
        sha256=provider.sha256 or "",
        typical=provider.threshold_typical,
        conservative=provider.threshold_conservative,
        descriptions=descriptions,
    )
