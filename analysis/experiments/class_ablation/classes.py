"""Which class each image belongs to, as an ablation counts them, and which outputs of the network stand for it."""

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
"""What images are taken for that are taken for an output which stands for no class."""


@dataclass(frozen=True, slots=True)
class ImageClasses:
    """The classes of an ablation.

    `kind` is where they come from, `numbers` `(image,)` are each image's class, -1 for none; `names` those of the
    classes that have images, by number, and `taken_names` those of all that images can be taken for, by number.
    `grouping` says which of the network's `outputs` stand for a class.
    """

    kind: Kind
    numbers: npt.NDArray[np.int64]
    names: Mapping[int, str]
    taken_names: Sequence[str]
    outputs: Sequence[str]
    grouping: Grouping


def classes_of(setting: Setting, section: ClassAblationSection, predictions: ImagePredictions) -> ImageClasses:
    """Find every image's class.

    Raises:
        StudyError: as `check_classes`; or the network's outputs are not as many as their names.
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
    """Look, before any long work, whether images will have classes.

    Raises:
        StudyError: no output bears the name of a class; or the file that says which do is no good; or a class whose
            curve is wanted is not among them.
    """
    known = setting.model.classes
    if section.classes == "predicted":
        _check_curves(section, known)
        return
    if not setting.images.classes:
        raise StudyError(
            f"ablation.classes is '{section.classes}', and the images are in no folders that name their classes; "
            "use 'predicted', or sort the images into a folder for each class"
        )
    if section.classes != "folders":
        _check_curves(section, [setting.images.classes[place] for place in _mapping(setting, section).values()])
    elif not any(output_of(name, known) is not None for name in setting.images.classes):
        folders = ", ".join(setting.images.classes[:3])
        raise StudyError(
            f"ablation.classes is 'folders', and no output of the network bears the name of a folder ({folders}, ...); "
            "use 'predicted', or name a CSV file with the columns output and class"
            + ("" if known else "; the names of the outputs come from the file in model.classes")
        )
    else:
        _check_curves(section, [name for name in setting.images.classes if output_of(name, known) is not None])


def _check_curves(section: ClassAblationSection, known: Sequence[str]) -> None:
    """See to it that classes whose curves are wanted can be; nothing is known of outputs without names."""
    for name in section.curves or ():
        if known and name not in known:
            raise StudyError(
                f"ablation.curves names '{name}', which is not a class that images can have; {nearest(name, known)}"
            )


def output_names(known: Sequence[str], outputs: int) -> list[str]:
    """Name every output, each by another name.

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
    present = np.unique(numbers[numbers >= 0]).tolist()
    return ImageClasses(
        kind, numbers, {number: names[number] for number in present}, [*names, NO_CLASS_NAME], outputs, grouping
    )


def _numbers(setting: Setting, number_of: Mapping[str, int]) -> npt.NDArray[np.int64]:
    names = (setting.images.class_of(image) for image in range(len(setting.images)))
    return np.array([number_of.get(name or "", -1) for name in names], dtype=np.int64)


def _mapping(setting: Setting, section: ClassAblationSection) -> dict[int, int]:
    """Read which class of images, by its place, each output stands for."""
    path = setting.study.path(section.classes)
    classes, outputs = list(setting.images.classes), setting.model.classes
    found: dict[int, int] = {}
    for row in _rows(path):
        output, name = (row["output"] or "").strip(), (row["class"] or "").strip()
        place = output_of(output, outputs)
        if place is None:
            raise StudyError(
                f"{path} names the output '{output}', which the network has not, or more than once; "
                f"{nearest(output, outputs)}"
            )
        if name not in classes:
            raise StudyError(
                f"{path} names the class '{name}', which no folder of images has; {nearest(name, classes)}"
            )
        if found.get(place, classes.index(name)) != classes.index(name):
            raise StudyError(f"{path} names the output '{output}' for two classes; one is all that it can stand for")
        found[place] = classes.index(name)
    if not found:
        raise StudyError(f"{path} has no row: say which outputs stand for which classes")
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
            f"ablation.classes is '{path}', and there is no such file; it must be 'folders', 'predicted' or a CSV file "
            "with the columns output and class"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"ablation.classes names {path}, which cannot be read as a CSV file: {error}") from None
