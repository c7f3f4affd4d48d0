"""Camera visits."""
