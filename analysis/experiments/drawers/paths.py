"""The paths of the pictures of counterexamples in a run's folder."""

from __future__ import annotations


def counterexamples(layer_index: int, unit: int) -> str:
    """Return the path of a unit's counterexamples, side by side, in the order of the table counterexamples."""
    return f"images/counterexamples/{layer_index}/{unit}.webp"
