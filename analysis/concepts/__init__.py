"""What a pixel means: a vocabulary, and sources of label maps."""
