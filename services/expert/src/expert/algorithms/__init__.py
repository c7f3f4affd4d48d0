"""What predicts, and in which labels."""
