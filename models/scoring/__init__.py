"""Runs the shipped ONNX files on rendered photos and measures how right they are; needs ONNX Runtime, not PyTorch."""
