"""One file of a picture, read whole and as RGB, or not at all."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""Endings of the files that are taken for pictures, in lower case."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""What the files may hold, whatever their endings say: some of Pillow's other formats start programs."""

_PIXELS = 178_956_970
"""Pixels of the largest picture, half a gigabyte as RGB: a small file can claim to be far larger."""

_OPENING = threading.Lock()


def read_picture(path: Path) -> Image.Image:
    """Read a picture as RGB: the first frame, as stored (a rotation noted in EXIF is not applied).

    Gray pictures of 16 bits are brought to 8; transparent ones are laid on white. A file that breaks off early is
    not a picture: Pillow's `LOAD_TRUNCATED_IMAGES`, which fills the rest with gray, is switched off.

    Raises:
        ImagesError: the file cannot be decoded; the text says why, without the file's name.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with _opened(path) as picture:
            return _rgb(picture)
    except ImagesError:
        raise
    except Exception as error:  # broken files raise nearly anything
        raise ImagesError(_reason(error, path)) from error


def read_size(path: Path) -> tuple[int, int] | None:
    """Read a picture's width and height from its head; None where the head tells that it cannot be decoded.

    What breaks off later has a size here, though `read_picture` refuses it.
    """
    try:
        with _opened(path) as picture:
            _check_head(picture)
            return picture.size
    except Exception:  # noqa: BLE001 - broken files raise nearly anything
        return None


def _opened(path: Path) -> Image.Image:
    """Open a file and read its head.

    Pillow warns of large pictures and of odd metadata; neither says whether the picture can be read. The lock is
    there because filters of warnings belong to the whole process.
    """
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path, formats=_FORMATS)


def _check_head(picture: Image.Image) -> None:
    if picture.width * picture.height > _PIXELS:
        raise ImagesError(f"{picture.width} x {picture.height} pixels are too many to decode safely")
    if picture.mode == "F":
        raise ImagesError("its pixels are floating-point numbers, of which nobody says what is black and what is white")


def _rgb(picture: Image.Image) -> Image.Image:
    _check_head(picture)
    picture.load()
    if picture.mode.startswith("I"):
        return _eight_bits(picture).convert("RGB")
    if picture.has_transparency_data:
        colored = picture.convert("RGBA")
        white = Image.new("RGBA", colored.size, "white")
        return Image.alpha_composite(white, colored).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring gray levels 0..65535 to 0..255, where Pillow itself would cut everything above 255 off."""
    levels = np.asarray(picture).astype(np.int64)
    if levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
        raise ImagesError("its gray levels have more than 16 bits")
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _reason(error: Exception, path: Path) -> str:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture of a known format" if path.stat().st_size else "it is empty"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return text.splitlines()[0]
