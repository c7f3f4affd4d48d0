"""The catalogue of models, and the weights that the Manager holds."""
