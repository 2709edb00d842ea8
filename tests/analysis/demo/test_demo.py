"""The demo from end to end, on few scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dissectory.analysis.demo.demo import make_demo
from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.analysis.experiments.class_ablation.switches import SWITCHES, Switches
from dissectory.analysis.experiments.paint.painting import PAINT, Painting
from dissectory.analysis.run import Run
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_demo(tmp_path_factory.mktemp("demo"), scenes=60, latents=20)


def test_the_classifier_knows_the_scenes(run: Run) -> None:
    classes = run.table("classes")
    classes = classes[classes.split == "all"]
    assert sorted(classes["class"]) == sorted(SCENES)
    assert classes.images.tolist() == [6] * 10
    assert classes.recall.mean() > 0.8


def test_units_match_things_that_were_never_labels(run: Run) -> None:
    units = run.table("units")
    assert units.layer.nunique() == 6
    late = units[units.layer.isin(["conv5", "conv6"]) & units.matched]
    assert {"object", "part"} <= set(late.category)


def test_it_says_that_nothing_was_photographed(run: Run) -> None:
    about = run.manifest.study["images"]["about"]
    assert "synthetic world: 60 scenes" in about
    assert "seeds 0 to 59" in about


def test_the_gallery_shows_scenes_of_all_classes(run: Run) -> None:
    images = run.table("images").set_index("image").loc[run.table("gallery").image.unique()]
    assert images["class"].value_counts().to_dict() == dict.fromkeys(SCENES, 2)
    assert set(run.table("gallery").category) == {"object", "part", "material", "color"}


def test_training_finds_what_random_weights_do_not(run: Run) -> None:
    pairs, control = run.table("unit_concepts"), run.table("control_concepts")
    best = pairs.groupby(pairs.concept.astype(str)).iou.max()
    random = control.set_index(control.concept.astype(str)).iou
    assert (best > 0.04).sum() > 1.5 * (random > 0.04).sum()
    for name in ("railway track", "cactus", "train"):  # of one class each, which the classifier had to tell apart
        assert best[name] > 2 * random[name]
    assert not control.output.any()  # no concept was ever a label


def test_units_of_the_last_layer_are_removed_and_a_browser_counts_alike(run: Run) -> None:
    """Twenty units cost a class more than four; what a page loads gives every count of the tables."""
    curves = run.table("ablation_curves")
    removed = curves[curves["mode"] == "remove"].groupby("units").balanced_accuracy.mean()
    assert removed[20] < removed[4] <= removed[0]
    (board,) = Switches.read(run.folder / SWITCHES).boards
    assert (board.layer, board.images, board.differ) == ("conv6", 30, 0)


def test_the_classifier_is_misled_by_little(run: Run) -> None:
    attacks = run.table("attacks")
    assert len(attacks) == 6
    assert attacks.success.all()
    assert attacks.distance.max() < 3  # of the 166 from a black picture to a white one


def test_units_keep_to_their_places_in_other_textures(run: Run) -> None:
    textures = run.table("textures")
    assert set(textures.pairs) == {10}
    means = textures.groupby("layer", observed=True)[["agreement", "chance"]].mean()
    assert (means.agreement > 3 * means.chance).all()
    assert (means.agreement < 0.8).all()


def test_a_demo_is_made_anew_in_its_own_folder_only(run: Run, tmp_path: Path) -> None:
    again = make_demo(run.folder, scenes=60, latents=20)
    assert again.table("units").equals(run.table("units"))
    (tmp_path / "mine.txt").touch()
    with pytest.raises(RunError, match="not a run's"):
        make_demo(tmp_path, scenes=10)


def test_the_generator_has_a_run_of_its_own(run: Run) -> None:
    assert [(related.title, related.folder) for related in run.manifest.related] == [
        ("the demo's generator", "generator")
    ]
    beside = Run(run.folder / "generator")
    assert len(beside.table("images")) == 20
    assert set(beside.table("images")["class"]) == set(SCENES)
    assert beside.table("units").matched.mean() > 0.3
    assert len(beside.table("generator_ablations")["concept"].unique()) == 3
    assert beside.has("insertions")
    assert Painting.read(beside.folder / PAINT).paints
    for name in ("generator_ablations", "unit_effects"):
        assert set(beside.table(name).layer) == {"layer2"}
