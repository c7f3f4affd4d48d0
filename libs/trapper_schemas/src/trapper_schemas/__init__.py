"""The wire: what crosses a service boundary, and nothing else."""
