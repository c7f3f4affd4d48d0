"""What this machine computes on: a child process per device, proved before it works."""
