"""The AI worker: claims batches, looks at their pictures, hands back what it saw."""
