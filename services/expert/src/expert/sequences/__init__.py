"""Sequences: resources of one deployment close in time."""
