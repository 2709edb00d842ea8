"""Concepts: a vocabulary, and the sources that label each pixel with concepts."""
