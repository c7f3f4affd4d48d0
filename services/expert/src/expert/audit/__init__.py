"""Who did what, kept for later."""
