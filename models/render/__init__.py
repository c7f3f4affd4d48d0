"""Draws stylised camera-trap photos with exact boxes, so that small models can be trained and tried without any data."""
