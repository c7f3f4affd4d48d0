"""Heartbeats of workers."""
