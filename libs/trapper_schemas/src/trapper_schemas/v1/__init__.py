"""Protocol 1 and what later ones kept of it: every type that Expert, Manager and Worker send each other."""
