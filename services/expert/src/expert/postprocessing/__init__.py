"""Methods that clean up what models predicted: class masking and rank roll-up."""
