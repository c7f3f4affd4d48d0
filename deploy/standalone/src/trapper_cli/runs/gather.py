"""Puts together what is known of each file of the folder: from the scan, the upload, and the services."""

from collections.abc import Iterable, Mapping, Sequence

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.known import Known
from trapper_cli.runs.names import sentence
from trapper_cli.runs.outcomes import FileOutcome, ModelUsed
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_client.client import TrapperClient
from trapper_client.replies import Provider


def gather_outcomes(
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
        if photo.relative not in failed:
            sha256 = hashes[photo.relative]
            made.append(_outcome(photo, sha256, resources[sha256], known))
    return made


def models_used(expert: TrapperClient, choice: Choice) -> tuple[ModelUsed, ModelUsed | None]:
    """The models as output files name them, with what is known of the species model's labels."""
    if choice.species is None:
        return _model(choice.detector), None
    labels = expert.provider(choice.species.id).categories
    descriptions = {each.label: each.scientific_name or each.label for each in labels}
    return _model(choice.detector), _model(choice.species, descriptions)


def _outcome(photo: PhotoFile, sha256: str, resource_id: str, known: Known) -> FileOutcome:
    resource = known.resources.get(resource_id)
    taken_at = resource.taken_at if resource else None
    failure = known.failure_of(resource_id)
    return FileOutcome(
        relative=photo.relative,
        sha256=sha256,
        deployment=photo.folder or photo.path.absolute().parent.name,
        captured_at=taken_at.isoformat() if taken_at else None,
        failure=failure,
        detections=() if failure else known.detections[resource_id],
        observations=() if failure else tuple(known.observations.get(resource_id, ())),
    )


def _model(provider: Provider, descriptions: Mapping[str, str] | None = None) -> ModelUsed:
    return ModelUsed(
        name=provider.name,
        version=provider.version,
        sha256=provider.sha256 or "",
        typical=provider.threshold_typical,
        conservative=provider.threshold_conservative,
        descriptions=descriptions,
    )
