"""What is in the picture: bytes in, outcomes out; no database, no network, no clock."""
