"""Occurrences: individuals that were seen, what people identified them as, and the taxon that each is determined as."""
