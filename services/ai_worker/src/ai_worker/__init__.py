"""The AI worker claims batches, runs models on their pictures, and delivers the results."""
