"""What is in the picture: the rows of the AI, of people, and the final one."""
