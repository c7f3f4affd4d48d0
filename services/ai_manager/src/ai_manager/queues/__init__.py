"""Depth of the queue by runtime."""
