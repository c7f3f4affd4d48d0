"""One small file per family of models: raw output to boxes, scores or features."""
