"""A study of the generator whose units draw known things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from networks import drawing_generator as drawing

from dissectory.analysis.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

IMAGES, SEED, QUANTILE = 40, 11, 0.04


def study_values() -> dict[str, dict[str, Any]]:
    return {
        "model": {"source": f"python:{drawing.__file__}:Generator", "kind": "generator", "layers": ["maps"]},
        "latents": {"count": IMAGES, "seed": SEED},
        "concepts": {"sources": [f"python:{drawing.__file__}:Segmenter"]},
        "dissection": {"quantile": QUANTILE, "grid": drawing.CELLS, "top_images": 4},
        "compute": {"batch": 7},
    }


def study(folder: Path, **changes: Mapping[str, object]) -> Study:
    values = study_values()
    for section, keys in changes.items():
        values[section] = {**values.get(section, {}), **keys}
    return Study.from_dict(values, base=folder)


def levels() -> Tensor:
    """The latents of all images `(image, 6)`: each one's of its own seed."""
    generators = [torch.Generator().manual_seed(SEED + image) for image in range(IMAGES)]
    return torch.stack([torch.randn(drawing.UNITS, generator=generator) for generator in generators])
