"""From a file that somebody brings to a catalogue entry that was tried: requests, settling, and the trial."""
