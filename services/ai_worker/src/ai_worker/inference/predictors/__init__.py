"""Families of models, one file each: raw output to boxes, scores or features."""
