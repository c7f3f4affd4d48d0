"""What people are asked to fill in."""
