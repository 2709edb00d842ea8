"""Image files of every kind become RGB, completely, or are refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from dissectory.analysis.subjects.pictures import read_picture, read_size
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from pathlib import Path


def gradient(width: int = 90, height: int = 60) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    noise = np.random.default_rng(0).integers(0, 40, (height, width))
    return Image.fromarray(np.stack((across, down, noise + 100), axis=-1).astype(np.uint8))


def pixel(path: Path, x: int = 0, y: int = 0) -> tuple[int, ...]:
    picture = read_picture(path)
    assert picture.mode == "RGB"
    found = picture.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.tiff", "A.PNG"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, name: str) -> None:
    gradient().save(tmp_path / name)
    np.testing.assert_array_equal(np.asarray(read_picture(tmp_path / name)), np.asarray(gradient()))


@pytest.mark.parametrize(("name", "apart"), [("a.jpg", 12), ("a.webp", 12), ("a.gif", 40)])
def test_other_formats_come_close(tmp_path: Path, name: str, apart: int) -> None:
    gradient().save(tmp_path / name, quality=95)
    found = np.asarray(read_picture(tmp_path / name)).astype(int)
    assert np.abs(found - np.asarray(gradient()).astype(int)).mean() < apart


def test_the_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    gradient().save(tmp_path / "a.jpg", format="PNG")
    assert read_picture(tmp_path / "a.jpg").size == (90, 60)


def test_sixteen_bits_are_converted_to_eight(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 128 * 257 + 100, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(levels).save(tmp_path / name)
        assert [pixel(tmp_path / name, x)[0] for x in range(4)] == [0, 1, 128, 255]


def test_thirty_two_bits_are_read_as_sixteen_if_they_fit(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], dtype=np.int32)).save(tmp_path / "a.tif")
    assert pixel(tmp_path / "a.tif", 1) == (255, 255, 255)
    Image.fromarray(np.array([[0, 65536]], dtype=np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(ImagesError, match="more than 16 bits"):
        read_picture(tmp_path / "b.tif")


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 0.5]], dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImagesError, match="floating-point"):
        read_picture(tmp_path / "a.tif")


def test_gray_and_two_tone_pictures(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 77).save(tmp_path / "gray.png")
    Image.new("1", (2, 2), 1).save(tmp_path / "two.png")
    assert pixel(tmp_path / "gray.png") == (77, 77, 77)
    assert pixel(tmp_path / "two.png") == (255, 255, 255)


def test_palettes(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "plain.png")
    picture.save(tmp_path / "clear.png", transparency=bytes([255, 0]))
    assert [pixel(tmp_path / "plain.png", x) for x in (0, 1)] == [(10, 20, 30), (40, 50, 60)]
    assert [pixel(tmp_path / "clear.png", x) for x in (0, 1)] == [(10, 20, 30), (255, 255, 255)]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_images_are_placed_on_white(tmp_path: Path, mode: str) -> None:
    color = (0, 0, 0) if mode == "RGBA" else (0,)
    for alpha, wanted in ((255, 0), (0, 255), (128, 127)):
        Image.new(mode, (2, 2), (*color, alpha)).save(tmp_path / "a.png")
        assert pixel(tmp_path / "a.png") == (wanted,) * 3


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    red, green, blue = pixel(tmp_path / "red.jpg")
    assert red > 250
    assert max(green, blue) < 5


def test_an_exif_rotation_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient().save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").size == (90, 60)


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    for name in ("a.gif", "a.webp", "a.tif", "a.png"):
        options: dict[str, Any] = {"lossless": True} if name == "a.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
        assert pixel(tmp_path / name) == (255, 0, 0)


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"format": "JPEG"},
        {"format": "JPEG", "progressive": True},
        {"format": "PNG"},
        {"format": "BMP"},
        {"format": "TIFF"},
        {"format": "WEBP"},
        {"format": "GIF"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kept", [0.02, 0.4, 0.9])
def test_a_truncated_image_is_refused(
    tmp_path: Path, options: dict[str, Any], kept: float, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = io.BytesIO()
    gradient(300, 200).save(whole, **options)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole.getvalue())
    read_picture(path)
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * kept)])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    with pytest.raises(ImagesError):
        read_picture(path)


def claim(path: Path, side: int) -> None:
    """Write a small PNG whose header claims `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("limit", [None, 89_478_485])
def test_an_image_that_claims_to_be_gigantic_is_refused(
    tmp_path: Path, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    claim(tmp_path / "a.png", 60_000)
    with pytest.raises(ImagesError, match=r"too many to decode safely|decompression bomb"):
        read_picture(tmp_path / "a.png")


def test_a_large_image_raises_no_warning(tmp_path: Path) -> None:
    claim(tmp_path / "a.png", 10_000)  # Pillow warns about it; warnings are errors here
    with pytest.raises(ImagesError, match=r"truncated|broken"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"no picture", "not an image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImagesError, match=told):
        read_picture(tmp_path / "a.jpg")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="No such file"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tif", "a.bmp"])
def test_the_size_is_read_from_the_header(tmp_path: Path, name: str) -> None:
    gradient(50, 30).save(tmp_path / name)
    assert read_size(tmp_path / name) == (50, 30) == read_picture(tmp_path / name).size


def test_an_exif_rotation_does_not_change_the_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient(50, 30).save(tmp_path / "a.jpg", exif=exif)
    assert read_size(tmp_path / "a.jpg") == (50, 30)


def test_files_with_a_bad_header_have_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    claim(tmp_path / "b.png", 60_000)
    Image.fromarray(np.array([[0, 0.5]], dtype=np.float32)).save(tmp_path / "c.tif")
    assert [read_size(tmp_path / name) for name in ("a.jpg", "b.png", "c.tif", "none.png")] == [None] * 4


def test_the_size_of_a_large_image_raises_no_warning(tmp_path: Path) -> None:
    claim(tmp_path / "a.png", 10_000)
    assert read_size(tmp_path / "a.png") == (10_000, 10_000)
