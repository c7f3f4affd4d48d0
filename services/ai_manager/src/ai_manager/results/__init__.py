"""What workers bring and the Expert fetches."""
