"""Managers and their models."""
