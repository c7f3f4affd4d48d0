"""What models gave beside their answers: logits and features, in the kept blobs."""
