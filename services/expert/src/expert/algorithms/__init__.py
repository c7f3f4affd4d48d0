"""Algorithms that make predictions, and their labels."""
