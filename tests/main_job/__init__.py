"""The main job as people run it, on one stack that starts with the first of these tests and ends with the last."""
