"""A folder of images, and batches of views decoded from it.

    folder = ImageFolder(Path("photos"), Geometry())
    for batch in folder.batches(32, workers=2, on_skipped=skipped.append):
        ...

Nothing here depends on the order on disk or on the number of workers.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from dissectory.analysis.run import MARKER, Skipped
from dissectory.analysis.subjects.pictures import SUFFIXES, read_picture, read_size
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.subjects.geometry import Geometry

    View = npt.NDArray[np.uint8]
    Decoded = tuple[View, tuple[int, int]] | Skipped


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """Some images as the network sees them.

    `images` are their numbers in the folder's order `(batch,)`; `paths` are relative to the image folder, with
    forward slashes; `views` are RGB `(batch, size, size, 3)`, 0..255; `sizes` are width and height of each file's
    own picture before resize and crop.
    """

    images: tuple[int, ...]
    paths: tuple[str, ...]
    views: npt.NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.images)


class ImageFolder:
    """The pictures in a folder and its sub-folders, in the order of their paths.

    `paths` are relative to the folder, with forward slashes; hidden files and folders are passed over. `classes` are
    the names of the first sub-folders that hold pictures, in alphabetical order; there are none with
    `classes="none"`, or where every picture lies in the folder itself.

    Raises:
        ImagesError: the folder is missing, cannot be read or holds no picture.
    """

    folder: Path
    geometry: Geometry
    paths: tuple[str, ...]
    classes: tuple[str, ...]

    def __init__(self, folder: Path, geometry: Geometry, classes: Literal["folders", "none"] = "folders") -> None:
        self.folder = folder
        self.geometry = geometry
        files = sorted((file.relative_to(folder).as_posix(), file) for file in _pictures(folder))
        if not files:
            endings = ", ".join(sorted(ending.removeprefix(".") for ending in SUFFIXES))
            raise ImagesError(
                f"images.folder: {folder} holds no picture, nor do its sub-folders (looked for {endings})"
            )
        self._files = tuple(file for _, file in files)
        self.paths = tuple(_text(path) for path, _ in files)
        self._classes = tuple(_class(path) if classes == "folders" else None for path in self.paths)
        self.classes = tuple(sorted({name for name in self._classes if name is not None}))

    def __len__(self) -> int:
        return len(self.paths)

    def class_of(self, image: int) -> str | None:
        """The image's class; None where it lies in no sub-folder, or classes are not asked for."""
        return self._classes[image]

    def size_of(self, image: int) -> tuple[int, int] | None:
        """Width and height from the head of the image's file; None where that tells that it cannot be decoded."""
        return read_size(self._files[image])

    def view(self, image: int) -> View:
        """Decode one image: RGB `(size, size, 3)`, 0..255.

        Raises:
            ImagesError: the file cannot be decoded.
        """
        decoded = self._decode(image)
        if isinstance(decoded, Skipped):
            raise ImagesError(f"{self.folder / decoded.path} cannot be decoded: {decoded.reason}")
        return decoded[0]

    def batches(
        self, batch: int, workers: int = 1, on_skipped: Callable[[Skipped], None] | None = None
    ) -> Generator[ViewBatch]:
        """Decode all images in order, `batch` files at a time, the next ones ahead in `workers` threads.

        File i belongs to batch `i // batch`. A file that cannot be decoded is told to `on_skipped`, in order and in
        the caller's thread, and leaves its batch shorter; a batch without any image is left out. The threads end with
        the generator, also when it is closed early.
        """
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        ahead: deque[Future[Decoded]] = deque()
        waiting = iter(range(len(self)))
        try:
            for first in range(0, len(self), batch):
                numbers = range(first, min(first + batch, len(self)))
                decoded: list[Decoded] = []
                for _ in numbers:
                    # one batch ahead and one file for each worker: enough to keep them busy while a batch is in use
                    room = batch + workers - len(ahead)
                    ahead.extend(pool.submit(self._decode, image) for image in islice(waiting, room))
                    decoded.append(ahead.popleft().result())
                made = self._batch(numbers, decoded, on_skipped)
                if made:
                    yield made
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def digest(self) -> str:
        """SHA-256 of the names and contents of all files, in their order; a file that cannot be read counts by name."""
        total = hashlib.sha256()
        for path, file in zip(self.paths, self._files, strict=True):
            try:
                content = hashlib.sha256(file.read_bytes()).digest()
            except OSError:
                content = b"unreadable"
            total.update(path.encode() + b"\0" + content)
        return total.hexdigest()

    def nothing_readable(self, skipped: Sequence[Skipped]) -> ImagesError:
        """The error of a run in which every file was skipped."""
        first = f"; the first: {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        return ImagesError(f"images.folder: none of the {len(self)} pictures in {self.folder} can be decoded{first}")

    def _decode(self, image: int) -> Decoded:
        try:
            picture = read_picture(self._files[image])
        except ImagesError as error:
            return Skipped(self.paths[image], str(error))
        return np.asarray(self.geometry.view(picture)), picture.size

    def _batch(
        self, numbers: Sequence[int], decoded: Sequence[Decoded], on_skipped: Callable[[Skipped], None] | None
    ) -> ViewBatch | None:
        whole = []
        for image, one in zip(numbers, decoded, strict=True):
            if not isinstance(one, Skipped):
                whole.append((image, *one))
            elif on_skipped:
                on_skipped(one)
        if not whole:
            return None
        images, views, sizes = zip(*whole, strict=True)
        return ViewBatch(images, tuple(self.paths[image] for image in images), np.stack(views), sizes)


def _pictures(folder: Path) -> Iterator[Path]:
    if not folder.exists():
        raise ImagesError(f"images.folder names {folder}, which does not exist")
    if not folder.is_dir():
        raise ImagesError(f"images.folder names {folder}, which is a file; it must be a folder of pictures")
    yield from _walk(folder, frozenset())


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Walk through a folder and, unlike `rglob`, through links to folders; a link to a folder above is a loop."""
    real = folder.resolve()
    if real in above:
        return
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        raise ImagesError(f"images.folder: {folder} cannot be read: {error.strerror}") from error
    if any(entry.name == MARKER for entry in entries):  # a run's own pictures are not what it is about
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(path, above | {real})
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _text(path: str) -> str:
    """A path as text that every file can hold: bytes of a name that are not UTF-8 become escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _class(path: str) -> str | None:
    first, slash, _ = path.partition("/")
    return first if slash else None
