"""Switchboards on the pages of classes."""
