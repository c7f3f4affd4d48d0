"""The Manager brokers AI work: it accepts jobs, plans batches, leases them to workers and keeps the results."""
