"""A folder of images, and batches of views decoded from it.

    folder = ImageFolder(Path("photos"), Geometry())
    for batch in folder.batches([(0, 2), (1, 3)], workers=2):
        ...

The result does not depend on the file order on disk or on the number of workers.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from dissectory.analysis.run import MARKER, Skipped
from dissectory.analysis.subjects.pictures import SUFFIXES, read_picture, read_size
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.subjects.geometry import Geometry

    View = npt.NDArray[np.uint8]
    Decoded = tuple[View, tuple[int, int]] | Skipped


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """A batch of images as the network sees them.

    `images` are the image numbers `(batch,)`. `paths` are relative to the image folder, with forward slashes. `views`
    are RGB `(batch, size, size, 3)`, 0..255. `sizes` are width and height of each image file before resize and crop.
    `skipped` are the files that could not be decoded, by image number; a batch can consist of skipped files only.
    """

    images: tuple[int, ...]
    paths: tuple[str, ...]
    views: npt.NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]
    skipped: Mapping[int, Skipped] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)


class ImageFolder:
    """The images in a folder and its subfolders, in the order of their paths.

    `paths` are relative to the folder, with forward slashes; hidden files and folders are ignored. `classes` are the
    names of the top subfolders that contain images, in alphabetical order. There are no classes if `classes="none"`,
    or if all images are in the folder itself. Error messages name `key`, the study key that names the folder.

    Raises:
        ImagesError: if the folder is missing, cannot be read, or contains no images.
    """

    folder: Path
    geometry: Geometry
    paths: tuple[str, ...]
    classes: tuple[str, ...]

    def __init__(
        self,
        folder: Path,
        geometry: Geometry,
        classes: Literal["folders", "none"] = "folders",
        key: str = "images.folder",
    ) -> None:
        self.folder = folder
        self.geometry = geometry
        self._key = key
        files = sorted((file.relative_to(folder).as_posix(), file) for file in _pictures(folder, key))
        if not files:
            endings = ", ".join(sorted(ending.removeprefix(".") for ending in SUFFIXES))
            raise ImagesError(
                f"{key}: {folder} and its subfolders contain no images (file types: {endings}); "
                "choose a folder with images"
            )
        self._files = tuple(file for _, file in files)
        self.paths = tuple(_text(path) for path, _ in files)
        self._classes = tuple(_class(path) if classes == "folders" else None for path in self.paths)
        self.classes = tuple(sorted({name for name in self._classes if name is not None}))

    def __len__(self) -> int:
        return len(self.paths)

    def class_of(self, image: int) -> str | None:
        """Return the image's class; `None` if it is in no subfolder, or the study uses no classes."""
        return self._classes[image]

    def size_of(self, image: int) -> tuple[int, int] | None:
        """Return width and height from the image file's header; `None` if the header cannot be decoded."""
        return read_size(self._files[image])

    def view(self, image: int) -> View:
        """Decode one image: RGB `(size, size, 3)`, 0..255.

        Raises:
            ImagesError: if the file cannot be decoded.
        """
        decoded = self._decode(image)
        if isinstance(decoded, Skipped):
            raise ImagesError(f"{self.folder / decoded.path} cannot be decoded: {decoded.reason}")
        return decoded[0]

    def batches(self, groups: Iterable[Sequence[int]], workers: int = 1) -> Generator[ViewBatch]:
        """Decode groups of images in order; `workers` threads decode the next group ahead.

        Files that cannot be decoded make their batch shorter. The threads end with the generator, even if it is closed
        early.
        """
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        waiting = iter(groups)
        try:
            ahead = self._submit(pool, next(waiting, ()))
            while ahead:
                # Decoding one group ahead keeps the threads busy while the caller uses a batch.
                now, ahead = ahead, self._submit(pool, next(waiting, ()))
                yield self._batch([(image, future.result()) for image, future in now])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, pool: ThreadPoolExecutor, group: Sequence[int]) -> list[tuple[int, Future[Decoded]]]:
        return [(image, pool.submit(self._decode, image)) for image in group]

    def digest(self, workers: int = 1) -> str:
        """Return the SHA-256 of the names and contents of all files; of an unreadable file, only the name."""
        total = hashlib.sha256()
        with ThreadPoolExecutor(workers, thread_name_prefix="hash") as pool:
            for path, content in zip(self.paths, pool.map(_content, self._files), strict=True):
                total.update(path.encode() + b"\0" + content)
        return total.hexdigest()

    def nothing_readable(self, skipped: Sequence[Skipped]) -> ImagesError:
        """Return the error for a run in which every file was skipped."""
        first = f"; the first is {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        return ImagesError(f"{self._key}: none of the {len(self)} images in {self.folder} can be decoded{first}")

    def _decode(self, image: int) -> Decoded:
        try:
            picture = read_picture(self._files[image])
        except ImagesError as error:
            return Skipped(self.paths[image], str(error))
        return np.asarray(self.geometry.view(picture)), picture.size

    def _batch(self, decoded: Sequence[tuple[int, Decoded]]) -> ViewBatch:
        skipped = {image: outcome for image, outcome in decoded if isinstance(outcome, Skipped)}
        whole = [(image, *outcome) for image, outcome in decoded if not isinstance(outcome, Skipped)]
        images = tuple(image for image, _, _ in whole)
        size = self.geometry.size
        views = np.stack([view for _, view, _ in whole]) if whole else np.empty((0, size, size, 3), dtype=np.uint8)
        return ViewBatch(
            images, tuple(self.paths[image] for image in images), views, tuple(size for *_, size in whole), skipped
        )


def _content(file: Path) -> bytes:
    """Return the SHA-256 of a file's bytes."""
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return b"unreadable"


def _pictures(folder: Path, key: str) -> Iterator[Path]:
    if not folder.exists():
        raise ImagesError(f"{key} names {folder}, which does not exist")
    if not folder.is_dir():
        raise ImagesError(f"{key} names {folder}, which is a file; it must be a folder of images")
    yield from _walk(folder, frozenset(), key)


def _walk(folder: Path, above: frozenset[Path], key: str) -> Iterator[Path]:
    """Walk through a folder and, unlike `rglob`, follow links to folders; a link to a parent folder is a loop."""
    real = folder.resolve()
    if real in above:
        return
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        raise ImagesError(f"{key}: {folder} cannot be read: {error.strerror}") from error
    if any(entry.name == MARKER for entry in entries):  # a run's own pictures are not input images
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(path, above | {real}, key)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _text(path: str) -> str:
    """Return a path as text that any file can store: bytes that are not UTF-8 become escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _class(path: str) -> str | None:
    first, slash, _ = path.partition("/")
    return first if slash else None
