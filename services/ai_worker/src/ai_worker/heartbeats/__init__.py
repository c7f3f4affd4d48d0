"""The pulse: leases are renewed by it, and the Manager's wishes come back with it."""
