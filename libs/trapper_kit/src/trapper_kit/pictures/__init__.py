"""What pictures say of themselves: opened, their EXIF, and when they were taken; one reading for all who need it."""
