"""Settings, members and linked collections."""
