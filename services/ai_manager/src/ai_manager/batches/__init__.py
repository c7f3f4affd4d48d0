"""The queue, slices of a job with one worker each."""
