"""Weights on this machine: inspected, registered, opened."""
