"""Resuming."""
