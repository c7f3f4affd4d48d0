"""The version of the wire: what this build says in every request, and which versions it understands."""

PROTOCOL = 1
"""Sent in `Trapper-Protocol`, and the version of the result blobs that are written."""
SERVED = (1,)
"""Versions that a Manager of this build serves; `read_results.READERS` has a reader for each."""
HEADER = "Trapper-Protocol"
