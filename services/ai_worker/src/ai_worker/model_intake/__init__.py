"""Intake of models: from a file to a tested catalogue entry."""
