"""Research projects."""
