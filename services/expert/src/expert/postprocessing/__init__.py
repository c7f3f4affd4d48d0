"""Methods that clean up what models predicted: class masking, rank roll-up, small-size filter."""
