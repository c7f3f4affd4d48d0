"""The commands that only talk HTTP, one file for each noun."""
