"""Leases of this process and the claim protocol: a pure state machine, without I/O."""
