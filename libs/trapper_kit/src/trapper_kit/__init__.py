"""The chassis: what three services would otherwise write three times; no word of the domain."""
