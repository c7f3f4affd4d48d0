"""What was seen: objects with their boxes, and the predictions behind them."""
