"""Accepted work."""
