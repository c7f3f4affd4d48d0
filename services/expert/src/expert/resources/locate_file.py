"""Where the file of a resource lies in our store."""

from dataclasses import dataclass

from expert.resources.errors import MediaRemote
from expert.resources.models import Resource


@dataclass(frozen=True)
class StoredFile:
    """The file of a resource in our store: its identity, and the key, size and hash of what lies there now."""

    sha256: str
    stored_sha256: str
    size_bytes: int
    object_key: str


def locate_file(resource: Resource) -> StoredFile:
    """The file in our store; raises MediaRemote for a resource whose file lies elsewhere."""
    sha256, stored_sha256 = resource.sha256, resource.stored_sha256
    if sha256 is None or stored_sha256 is None or resource.size_bytes is None or resource.object_key is None:
        raise MediaRemote(f"read it at {resource.remote_url}", remote_url=resource.remote_url)
    return StoredFile(sha256, stored_sha256, resource.size_bytes, resource.object_key)
