"""Long work that a person or a schedule started."""
