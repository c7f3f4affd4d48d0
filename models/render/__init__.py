"""Draws stylised camera-trap photos with exact boxes, so that small models can be trained without data."""
