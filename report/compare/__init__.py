"""The comparison with a related network."""
