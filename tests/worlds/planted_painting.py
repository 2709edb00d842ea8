"""The folder of a page to paint on, of the planted generator: the effect of each stroke is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from networks import planted_generator

from dissectory.analysis.experiments.paint.export import prepare_painting
from dissectory.analysis.experiments.paint.images import SeededImages
from dissectory.analysis.experiments.paint.painting import Paint

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.experiments.paint.painting import Painting

SEEDS = (11, 5, 42)
"""The seeds of the images: black, blue, and a green that no unit generates."""

PAINTS = (
    Paint("red", (0, 3), (1.0, 1.0)),
    Paint("blue", (2,), (1.0,)),
    Paint("<script>alert(1)</script>", (1,), (2.0,)),
)
"""Red needs both of its units; the last paint is green."""


def paint_planted(folder: Path) -> Painting:
    """Write the folder."""
    generator, latents = planted_generator.build(), planted_generator.latents()
    return prepare_painting(generator, "maps", SeededImages((latents,), SEEDS), PAINTS, folder)
