"""AI jobs."""
