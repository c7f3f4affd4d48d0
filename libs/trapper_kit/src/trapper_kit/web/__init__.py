"""The web half of the chassis: the app factory, guards and shared parameters."""
