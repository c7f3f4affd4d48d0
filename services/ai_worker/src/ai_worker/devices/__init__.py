"""Devices of this machine: one inference process each, tested before it works."""
