"""Drawers."""
