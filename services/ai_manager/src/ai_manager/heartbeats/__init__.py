"""A worker lives, all of it in one call."""
