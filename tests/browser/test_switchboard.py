"""The switchboard of a class's page, in a real browser: the numbers are those of the tables, and of full passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.run import make_fake_run
from reference import ablation as reference
from worlds import removed_units

from dissectory.report.build import build_site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

LOADED = "async () => { window.network = await dissectoryRemoval.load('conv1', 'switches/conv1.js'); }"


@pytest.mark.parametrize(
    ("build", "layer"),
    [(removed_units.Skipping, "second"), (removed_units.squeezing, "1")],
    ids=["skip connection", "rectified"],
)
def test_a_browser_answers_as_full_passes_do(tmp_path: Path, browser: Browser, build: type, layer: str) -> None:
    """Units that are on and off at random, in a network with an own base for each image, and in a rectified one."""
    world = removed_units.count(build, layer, 9)
    run = make_fake_run(tmp_path / "run", layers=1, units=6, pictures=False)
    removed_units.write(run, world, layer="conv1")
    page = browser.new_page()
    page.goto(f"{build_site(run).as_uri()}")
    page.evaluate(LOADED)
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 3, 4, 5, 6):
        off = sorted(random.permutation(6)[:count].tolist())
        said = page.evaluate("off => Array.from(network.without(new Set(off)))", off)
        expected = reference.predictions_without(world.module, layer, world.inputs[world.reporting], off)
        assert said == expected
        counted = page.evaluate("off => network.count(network.without(new Set(off)))", off)
        own = [int(world.classes[image]) for image in world.reporting]
        taken = [int(world.grouping.class_of[output]) for output in expected]
        by_class = [reference.counts(taken, own, number)[2:] for number in removed_units.NAMES]
        assert list(zip(counted["taken"], counted["right"], strict=True)) == by_class
        assert counted["correct"] == sum(right for _, right in by_class)
    page.close()
