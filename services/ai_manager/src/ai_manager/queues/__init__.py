"""How much waits for which runtime."""
