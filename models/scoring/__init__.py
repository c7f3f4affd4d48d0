"""Runs the shipped ONNX files on rendered photos and measures how right they are; needs ONNX Runtime, not PyTorch."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported
