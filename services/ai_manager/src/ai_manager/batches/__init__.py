"""The queue of batches; each batch is leased to one worker at a time."""
