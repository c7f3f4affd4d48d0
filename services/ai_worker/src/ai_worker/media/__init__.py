"""Media of a batch, fetched under a grant and kept until the batch ends."""
