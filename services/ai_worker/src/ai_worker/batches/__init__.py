"""Leased work: claimed, computed, handed to the outbox, or given back."""
