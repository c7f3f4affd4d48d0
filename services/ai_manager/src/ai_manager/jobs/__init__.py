"""Accepted jobs."""
