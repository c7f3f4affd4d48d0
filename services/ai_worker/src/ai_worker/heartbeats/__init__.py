"""Heartbeats: they renew leases and bring orders of the Manager."""
