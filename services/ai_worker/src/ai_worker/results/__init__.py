"""The outbox: finished work waits here until the Manager has it."""
