"""The concept source `masks:FOLDER`: label maps on disk.

A label map is a PNG of the same width and height as its image. It has one 8- or 16-bit channel, or a palette whose
indices are the labels. The label map of the image `train/a.jpg` is `FOLDER/train/a.png`, or else `FOLDER/a.png`.
`labels.csv` in the folder, or else in its parent folder, lists the concept of each index.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dissectory.analysis.concepts.labels import find_labels, read_labels
from dissectory.analysis.concepts.registry import register, source_name
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.concepts.labels import Labels
    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import Planes, SizeOf
    from dissectory.analysis.subjects.geometry import Geometry
    from dissectory.analysis.subjects.images import ViewBatch

_SHOWN = 5
"""How many image paths an error message lists."""

_SIZE, _DEPTH, _COLOR_TYPE = 16, 24, 25
"""Byte offsets in a PNG file of its width and height, its bit depth, and its color type."""
_GRAY, _PALETTE = 0, 3


class Masks:
    """Label maps in a folder, read at the pixel under the center of each grid position."""

    planes = 1

    def __init__(self, folder: Path, labels: Labels, geometry: Geometry, grid: int) -> None:
        """Use the label maps in `folder`; they are resized and cropped with the same geometry as their images."""
        self.folder = folder
        self.name = source_name(folder)
        self.concepts = labels.concepts
        self._lookup = labels.lookup()
        self._geometry = geometry
        self._grid = grid

    def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
        """Check that every image that can be decoded has a label map of its size; only file headers are read.

        Raises:
            ConceptsError: if a label map is missing, is shared by two images, or is not a label map of its image's
                size.
        """
        sizes = {path: size for image, path in enumerate(paths) if (size := size_of(image))}
        missing = [path for path in sizes if self._find(path) is None]
        if missing:
            raise self._missing(missing)
        owners: dict[Path, str] = {}
        for path, size in sizes.items():
            mask = self._file(path)
            first = owners.setdefault(mask, path)
            if first != path:
                raise ConceptsError(
                    f"the images {first!r} and {path!r} share the label map {mask}: "
                    f"put each label map at its image's own path inside {self.folder}"
                )
            _check_head(mask, path, size)

    def fingerprint(self, paths: Sequence[str]) -> str:
        """Hash the label maps of the images and the table of their indices."""
        total = hashlib.sha256(self._lookup.tobytes())
        for path in paths:
            mask = self._find(path)
            total.update(hashlib.sha256(mask.read_bytes()).digest() if mask else b"none")
        return total.hexdigest()

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:  # noqa: ARG002 - uses no other labels
        """Read the label maps of a batch."""
        maps = [self._read(path, size) for path, size in zip(batch.paths, batch.sizes, strict=True)]
        return self._lookup[np.stack(maps)][:, None]

    def _read(self, path: str, size: tuple[int, int]) -> npt.NDArray[np.uint16]:
        """Read the indices of one label map on the grid `(grid, grid)`."""
        mask = self._file(path)
        _check_head(mask, path, size)
        indices = _decode(mask)
        height, width = indices.shape
        rows, columns = self._geometry.points(width, height, self._grid)
        return indices[rows[:, None], columns]

    def _find(self, path: str) -> Path | None:
        """Return the path of an image's label map, `None` if it is missing."""
        image = PurePosixPath(path)
        for candidate in (self.folder / image.parent / f"{image.stem}.png", self.folder / f"{image.stem}.png"):
            if candidate.is_file():
                return candidate
        return None

    def _file(self, path: str) -> Path:
        found = self._find(path)
        if found is None:
            raise self._missing([path])
        return found

    def _missing(self, paths: Sequence[str]) -> ConceptsError:
        shown = ", ".join(f"'{path}'" for path in paths[:_SHOWN])
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        expected = self.folder / PurePosixPath(paths[0]).with_suffix(".png")
        return ConceptsError(
            f"no label map in {self.folder} for {shown}{more}; add the missing PNG files, for example {expected}"
        )


def _check_head(mask: Path, path: str, size: tuple[int, int]) -> None:
    """Refuse a file that is not a one-channel PNG of the image's size `(width, height)`; reads only its header."""
    head = _head(mask)
    _check_kind(mask, depth=head[_DEPTH], color_type=head[_COLOR_TYPE])
    width, height = struct.unpack_from(">II", head, _SIZE)
    if (width, height) != size:
        raise ConceptsError(
            f"the label map {mask} does not have the size of its image '{path}' "
            f"(label map {width} x {height} pixels, image {size[0]} x {size[1]}): "
            "resize the label map with nearest-neighbor sampling, or fix its file name"
        )


def _head(mask: Path) -> bytes:
    try:
        with mask.open("rb") as file:
            head = file.read(_COLOR_TYPE + 1)
    except OSError as error:
        raise ConceptsError(f"the label map {mask} cannot be read: {error.strerror}; check the file") from None
    if len(head) <= _COLOR_TYPE or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ConceptsError(
            f"the label map {mask} is not a PNG file; save label maps as PNG files with one 8- or 16-bit channel"
        )
    return head


def _check_kind(mask: Path, *, depth: int, color_type: int) -> None:
    # Pillow stretches 2- and 4-bit gray samples to 0..255, so the indices would be lost.
    if color_type == _PALETTE or (color_type == _GRAY and depth in {1, 8, 16}):
        return
    given = {_GRAY: f"{depth}-bit gray", 2: "RGB", 4: "gray with alpha", 6: "RGB with alpha"}.get(color_type, "unknown")
    raise ConceptsError(
        f"the label map {mask} is {given}; save it with one 8- or 16-bit channel (or a palette) that holds "
        "each pixel's index in labels.csv"
    )


def _decode(mask: Path) -> npt.NDArray[np.uint16]:
    """Decode a label map to its indices `(height, width)`."""
    try:
        with Image.open(mask, formats=["PNG"]) as picture:
            indices = np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ConceptsError(
            f"the label map {mask} cannot be decoded ({error}); the file may be damaged: save or copy it again"
        ) from None
    return indices.astype(np.uint16)


@register("masks")
def open_masks(argument: str, context: SourceContext) -> Masks:
    """Open the concept source `masks:FOLDER`."""
    folder = context.path(argument, "masks:FOLDER")
    if not folder.is_dir():
        raise ConceptsError(
            f"the folder of label maps {folder} does not exist; 'masks:FOLDER' needs a folder of PNG files"
        )
    file = find_labels([folder / "labels.csv", folder.resolve().parent / "labels.csv"], f"'masks:{argument}'")
    return Masks(folder, read_labels(file, source_name(folder)), context.geometry, context.grid)
