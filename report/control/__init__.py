"""The comparison with a control."""
