"""The web part of the kit: app factory, guards and shared parameters."""
