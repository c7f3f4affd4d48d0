"""Counts of a classification project, kept while its rows change, and its statistics."""
