"""Taxa lists: named sets of taxa, such as the checklist of a region."""
