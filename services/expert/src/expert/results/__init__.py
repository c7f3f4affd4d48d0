"""What the AI saw: the inbox."""
