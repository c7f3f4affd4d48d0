"""Results of AI jobs: fetched, applied, acknowledged."""
