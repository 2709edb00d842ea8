"""Where the pictures of counterexamples are in a run's folder."""

from __future__ import annotations


def counterexamples(layer_index: int, unit: int) -> str:
    """Path of a unit's counterexamples, side by side, in the order of the table counterexamples."""
    return f"images/counterexamples/{layer_index}/{unit}.webp"
