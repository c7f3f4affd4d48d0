"""From a camera's wall clock to moments."""
