"""Results: kept on this disk until the Manager has them."""
