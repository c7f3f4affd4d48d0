"""Keys of the Manager's objects: result blobs and weights, by the sha256 of their bytes."""

import hashlib
from collections.abc import AsyncIterator


class HashDiffers(ValueError):  # noqa: N818 - named after what is the case
    """The received bytes have another hash than announced; nothing was kept."""


def results_key(sha256: str) -> str:
    """Returns the key of a result blob."""
    return f"results/{sha256[:2]}/{sha256}"


def weights_key(sha256: str) -> str:
    """Returns the key of a weights file."""
    return f"weights/{sha256[:2]}/{sha256}"


def sha256_of_key(key: str) -> str:
    """Returns the hash at the end of a key."""
    return key.rsplit("/", 1)[1]


async def checked(chunks: AsyncIterator[bytes], sha256: str) -> AsyncIterator[bytes]:
    """Yields the chunks unchanged; raises HashDiffers at the end when their hash differs."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise HashDiffers(f"{size} bytes came with sha256 {digest.hexdigest()}")
