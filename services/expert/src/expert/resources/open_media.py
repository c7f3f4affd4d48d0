"""Open a resource's bytes for a person: only what they may see, as the type that decoding found."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from expert.access import queries as access
from expert.access.state import Caller, Capability, in_scope, may_in_research_project
from expert.audit.note import note
from expert.deps import ExpertWork
from expert.resources import queries
from expert.resources.errors import MediaGated, ResourceUnknown, ThumbnailAbsent
from expert.resources.locate_file import locate_file
from expert.resources.models import Resource
from expert.resources.state import PrivacyState, ResourceKind, ResourceState
from trapper_kit.objects import Stored

_SHOWN = frozenset({PrivacyState.OPEN, PrivacyState.CLEAR, PrivacyState.BLURRED})
_THUMBNAIL_TYPE = "image/jpeg"
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class OpenedMedia:
    """Bytes with the headers that keep a browser from taking them for anything else."""

    stored: Stored
    media_type: str
    headers: dict[str, str]


async def open_original(work: ExpertWork, caller: Caller, resource_id: UUID) -> OpenedMedia:
    """Raises ResourceUnknown, MediaGated or MediaRemote; access is checked at each opening."""
    resource = await _visible(work, caller, resource_id, held=True)
    known = resource.kind is not ResourceKind.UNKNOWN and resource.state is not ResourceState.STORED
    media_type = resource.media_type if known else _UNKNOWN_TYPE
    inline = known and resource.state is ResourceState.DESCRIBED
    file = locate_file(resource)
    stored = await work.media.stream(file.object_key)
    return OpenedMedia(stored, media_type, _headers(resource.file_name, file.stored_sha256, inline=inline))


async def open_thumbnail(work: ExpertWork, caller: Caller, resource_id: UUID) -> OpenedMedia:
    """Raises ThumbnailAbsent while it is not made, or when the file cannot be read."""
    resource = await _visible(work, caller, resource_id)
    if resource.thumbnail_key is None:
        raise ThumbnailAbsent("there is no thumbnail")
    stored = await work.media.stream(resource.thumbnail_key)
    return OpenedMedia(stored, _THUMBNAIL_TYPE, _headers("thumbnail.jpg", f"t-{resource.stored_sha256}", inline=True))


async def _visible(work: ExpertWork, caller: Caller, resource_id: UUID, *, held: bool = False) -> Resource:
    """The resource; `held` also opens held resources for callers who may see originals, and audits it."""
    async with work.db() as db:
        resource = await queries.read_visible(db, caller, resource_id)
        if resource is None:
            raise ResourceUnknown("there is no such resource, or none that you may see")
        if resource.privacy_state in _SHOWN:
            return resource
        role = await access.research_role(db, caller.id, resource.research_project_id)
        capability = Capability.SEE_ORIGINALS
        if not held or not may_in_research_project(role, capability) or not in_scope(caller.scopes, capability):
            raise MediaGated("the picture is withheld until people in it are blurred")
        note(db, "held-original-opened", actor_id=caller.id, subject_kind="resource", subject_id=resource.id)
    return resource


def _headers(file_name: str, tag: str, *, inline: bool) -> dict[str, str]:
    name = quote(file_name.rsplit("/", 1)[-1][-200:], safe="")
    return {
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{name}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{tag}"',
    }
