"""Imports what works on operations of this feature."""

from expert.unresolved_labels import match_labels

__all__ = ["match_labels"]
