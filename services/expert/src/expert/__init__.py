"""The Expert: people upload photos, request AI and review; projects, media and classifications."""
