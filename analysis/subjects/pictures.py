"""Read one image file completely, as RGB, or refuse it."""

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
"""Suffixes of image files, in lower case."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""Accepted file contents, whatever the suffix; some of Pillow's other formats start external programs."""

_PIXELS = 178_956_970
"""Pixels of the largest accepted image, half a gigabyte as RGB; a small file can claim to be far larger."""

_OPENING = threading.Lock()


def read_picture(path: Path) -> Image.Image:
    """Read an image as RGB: its first frame, as stored (an EXIF rotation is not applied).

    16-bit gray images are converted to 8 bits; transparent images are placed on white. A truncated file is refused:
    Pillow's `LOAD_TRUNCATED_IMAGES`, which fills the missing part with gray, is switched off.

    Raises:
        ImagesError: if the file cannot be decoded; the text gives the reason, without the file's name.
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
    """Read an image's width and height from its header; `None` if the header shows that it cannot be decoded.

    A truncated file has a size here, although `read_picture` refuses it.
    """
    try:
        with _opened(path) as picture:
            _check_head(picture)
            return picture.size
    except Exception:  # noqa: BLE001 - broken files raise nearly anything
        return None


def _opened(path: Path) -> Image.Image:
    """Open a file and read its header.

    Pillow's warnings about large images and odd metadata are suppressed, because they do not say whether the image can
    be read. The lock is needed because warning filters are shared by the whole process.
    """
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(path, formats=_FORMATS)


def _check_head(picture: Image.Image) -> None:
    if picture.width * picture.height > _PIXELS:
        raise ImagesError(f"{picture.width} x {picture.height} pixels are too many to decode safely (limit {_PIXELS})")
    if picture.mode == "F":
        raise ImagesError("its pixels are floating-point numbers, whose values of black and white are unknown")


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
    """Convert gray levels 0..65535 to 0..255; Pillow itself would clip everything above 255."""
    levels = np.asarray(picture).astype(np.int64)
    if levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
        raise ImagesError("its gray levels have more than 16 bits")
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _reason(error: Exception, path: Path) -> str:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image of a known format" if path.stat().st_size else "it is empty"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return text.splitlines()[0]
