"""Who can run what."""
