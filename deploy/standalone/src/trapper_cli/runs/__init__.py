"""`trapper run`: a folder of photos in, a table of what was seen out."""
