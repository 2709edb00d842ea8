"""Resuming an interrupted run: its progress on disk, what the progress depends on, and the lock of a run's folder."""
