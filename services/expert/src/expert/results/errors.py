"""Problems of results."""

from trapper_kit.problems import Unavailable


class BlobDiffers(Unavailable):
    type = "blob-differs"
    title = "The bytes that arrived are not the ones that were announced"
