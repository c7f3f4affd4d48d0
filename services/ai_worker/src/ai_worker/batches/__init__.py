"""Leased batches: claimed, prepared, computed, kept as results, or released."""
