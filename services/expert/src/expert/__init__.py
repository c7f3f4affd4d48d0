"""People upload, ask the AI, review: projects, media, classifications."""
