"""The page of artifacts."""
