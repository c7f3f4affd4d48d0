"""Problems of results."""

from trapper_kit.problems import Unavailable


class BlobDiffers(Unavailable):
    type = "blob-differs"
    title = "The received bytes do not have the announced sha256"
