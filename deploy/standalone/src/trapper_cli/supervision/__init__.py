"""Starts, watches and stops processes, so that nothing is left behind."""
