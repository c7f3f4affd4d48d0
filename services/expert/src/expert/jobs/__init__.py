"""Asking the AI to look."""
