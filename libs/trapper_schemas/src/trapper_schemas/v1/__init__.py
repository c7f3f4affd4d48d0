"""Protocol 1: every type that Expert, Manager and Worker send each other."""

PROTOCOL = 1
