"""Authentication, roles and capabilities."""
