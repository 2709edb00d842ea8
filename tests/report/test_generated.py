"""Pages of a run whose images a generator drew: they say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run

from dissectory.analysis.run import Run
from dissectory.report.core.gallery import gallery_page
from dissectory.report.core.home import home_page
from dissectory.report.site import Site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = make_fake_run(tmp_path, layers=1, units=3, control=False)
    study = {key: value for key, value in made.manifest.study.items() if key != "images"}
    made.write_manifest(replace(made.manifest, study={**study, "latents": {"count": 40, "seed": 7}}))
    return Run(tmp_path)


def test_the_first_page_says_that_images_were_generated(run: Run) -> None:
    page = home_page(Site(run))
    assert page.about == "The network generated the images, from the seeds 7 to 46."
    (origin,) = (line.value for line in page.origins if line.name == "Images")
    assert origin == "40 generated, from the seeds 7 to 46"


def test_the_gallery_shows_what_the_network_drew(run: Run) -> None:
    page = gallery_page(Site(run))
    assert page
    assert page.remark.startswith("On the left is the image as the network generated it.")


def test_what_the_study_says_of_them_comes_first(run: Run) -> None:
    latents = {"count": 40, "seed": 7, "about": "Faces."}
    run.write_manifest(replace(run.manifest, study={**run.manifest.study, "latents": latents}))
    assert home_page(Site(Run(run.folder))).about == "Faces."
