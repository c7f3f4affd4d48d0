"""Inference: bytes in, outcomes out; no database, no network, no clock."""
