"""Keys of the Expert's objects: originals, thumbnails and batch blobs."""

from uuid import UUID


def original_key(research_project_id: UUID, sha256: str, generation: int) -> str:
    """The key of an original; the same bytes sent twice at once write the same object."""
    return f"originals/{research_project_id}/{sha256[:2]}/{sha256}.{generation}"


def thumbnail_key(research_project_id: UUID, sha256: str, generation: int) -> str:
    """The key of the small upright JPEG of a resource."""
    return f"thumbnails/{research_project_id}/{sha256[:2]}/{sha256}.{generation}.jpg"


def blob_key(sha256: str) -> str:
    """The key of a batch blob."""
    return f"blobs/{sha256[:2]}/{sha256}"


def identity_of_key(key: str) -> tuple[UUID, str]:
    """The research project and the sha256 in the key of an original or a thumbnail."""
    _, project, _, name = key.split("/")
    return UUID(project), name.split(".", 1)[0]
