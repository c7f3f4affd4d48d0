"""Brokers AI work: takes a job, cuts it, hands it out, keeps the answers."""
