"""Taxa and the resolution of labels."""
