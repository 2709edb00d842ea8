"""The classes of an ablation: the class that each image belongs to, and the outputs that stand for each class."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.classification import NO_PREDICTION, output_of
from dissectory.analysis.tally.outcomes import Grouping
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.declare import ClassAblationSection
    from dissectory.analysis.measuring.record import ImagePredictions
    from dissectory.analysis.measuring.setting import Setting

    Kind = Literal["folders", "predicted", "mapping"]

NO_CLASS_NAME = "(no class)"
"""The prediction for an image if the predicted output stands for no class."""


@dataclass(frozen=True, slots=True)
class ImageClasses:
    """The classes of an ablation.

    Attributes:
        kind: where the classes come from.
        numbers: the class of each image `(image,)`, -1 for none.
        names: the names of the classes that have images, by number.
        taken_names: the names of all classes that can be predicted, by number; the last stands for no class.
        outputs: the names of the network's outputs.
        grouping: the outputs that stand for each class.
    """

    kind: Kind
    numbers: npt.NDArray[np.int64]
    names: Mapping[int, str]
    taken_names: Sequence[str]
    outputs: Sequence[str]
    grouping: Grouping


def classes_of(setting: Setting, section: ClassAblationSection, predictions: ImagePredictions) -> ImageClasses:
    """Find the class of every image.

    Raises:
        StudyError: as `check_classes`.
    """
    outputs = output_names(setting.model.classes, predictions.outputs)
    if section.classes == "predicted":
        numbers = np.where(predictions.strongest == NO_PREDICTION, -1, predictions.strongest).astype(np.int64)
        return _with_images("predicted", numbers, outputs, outputs, Grouping.alike(len(outputs)))
    if section.classes == "folders":
        of = {name: output_of(name, setting.model.classes) for name in setting.images.classes}
        numbers = _numbers(setting, {name: -1 if output is None else output for name, output in of.items()})
        named = {output: name for name, output in of.items() if output is not None}
        shown = [named.get(output, name) for output, name in enumerate(outputs)]
        return _with_images("folders", numbers, shown, outputs, Grouping.alike(len(outputs)))
    classes = list(setting.images.classes)
    stands = _mapping(setting, section)
    class_of = np.full(predictions.outputs, -1, dtype=np.int64)
    class_of[list(stands)] = list(stands.values())
    there = set(stands.values())
    numbers = _numbers(setting, {name: place if place in there else -1 for place, name in enumerate(classes)})
    return _with_images("mapping", numbers, classes, outputs, Grouping(class_of, len(classes)))


def check_classes(setting: Setting, section: ClassAblationSection) -> None:
    """Check, before any long work, that images will have classes.

    Raises:
        StudyError: no output has the name of a class, the CSV file of outputs and classes has a mistake, or a class in
            `ablation.curves` is not one of the classes.
    """
    known = setting.model.classes
    if section.classes == "predicted":
        _check_curves(section, known)
        return
    if not setting.images.classes:
        raise StudyError(
            f"ablation.classes is '{section.classes}', and the images are not in folders that name their classes; "
            "use 'predicted', or sort the images into a folder for each class"
        )
    if section.classes != "folders":
        _check_curves(section, [setting.images.classes[place] for place in _mapping(setting, section).values()])
    elif not any(output_of(name, known) is not None for name in setting.images.classes):
        folders = ", ".join(setting.images.classes[:3])
        raise StudyError(
            f"ablation.classes is 'folders', and no output of the network has the name of a folder ({folders}, ...); "
            "use 'predicted', or name a CSV file with the columns output and class"
            + ("" if known else "; the names of the outputs come from the file in model.classes")
        )
    else:
        _check_curves(section, [name for name in setting.images.classes if output_of(name, known) is not None])


def _check_curves(section: ClassAblationSection, known: Sequence[str]) -> None:
    """Check that images can have the classes in `ablation.curves`; outputs without names are not checked."""
    for name in section.curves or ():
        if known and name not in known:
            raise StudyError(
                f"ablation.curves names '{name}', which is not a class that images can have; {nearest(name, known)}"
            )


def output_names(known: Sequence[str], outputs: int) -> list[str]:
    """Return a unique name for every output.

    >>> output_names(["crane", "maillot", "crane"], 4)
    ['crane (0)', 'maillot', 'crane (2)', 'output 3']
    """
    names = [known[place] if place < len(known) else f"output {place}" for place in range(outputs)]
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names)]


def _with_images(
    kind: Kind,
    numbers: npt.NDArray[np.int64],
    names: Sequence[str],
    outputs: Sequence[str],
    grouping: Grouping,
) -> ImageClasses:
    """Make the classes; `names` are those of all classes, with images or not."""
    present = np.unique(numbers[numbers >= 0]).tolist()
    return ImageClasses(
        kind, numbers, {number: names[number] for number in present}, [*names, NO_CLASS_NAME], outputs, grouping
    )


def _numbers(setting: Setting, number_of: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Return the number of each image's class `(image,)`, -1 if `number_of` does not have the class."""
    names = (setting.images.class_of(image) for image in range(len(setting.images)))
    return np.array([number_of.get(name or "", -1) for name in names], dtype=np.int64)


def _mapping(setting: Setting, section: ClassAblationSection) -> dict[int, int]:
    """Read the class that each output stands for: the index of the class by the number of the output."""
    path = setting.study.path(section.classes)
    classes, outputs = list(setting.images.classes), setting.model.classes
    found: dict[int, int] = {}
    for row in _rows(path):
        output, name = (row["output"] or "").strip(), (row["class"] or "").strip()
        place = output_of(output, outputs)
        if place is None:
            raise StudyError(
                f"{path} names the output '{output}', and the network does not have exactly one output of this name; "
                f"{nearest(output, outputs)}"
            )
        if name not in classes:
            raise StudyError(
                f"{path} names the class '{name}', and no folder of images has this name; {nearest(name, classes)}"
            )
        if found.get(place, classes.index(name)) != classes.index(name):
            raise StudyError(f"{path} names two classes for the output '{output}': an output stands for one class")
        found[place] = classes.index(name)
    if not found:
        raise StudyError(f"{path} has no rows: give the class for each output that stands for one")
    return found


def _rows(path: Path) -> list[dict[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"output", "class"} <= set(reader.fieldnames or ()):
                raise StudyError(f"{path} must be a CSV file with the columns output and class")
            return list(reader)
    except FileNotFoundError:
        raise StudyError(
            f"ablation.classes is '{path}', and this file does not exist; it must be 'folders', 'predicted' or a CSV "
            "file with the columns output and class"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(
            f"ablation.classes names {path}, which cannot be read as a CSV file ({error}): check the file"
        ) from None
