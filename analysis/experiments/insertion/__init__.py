"""Insertion."""
