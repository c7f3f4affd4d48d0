"""Resources that came together."""
