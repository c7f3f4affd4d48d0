"""Search for objects that look like a given one, by their embeddings."""
