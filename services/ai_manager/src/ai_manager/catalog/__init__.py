"""Which models exist, and the weights that are held here."""
