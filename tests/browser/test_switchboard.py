"""The switchboard of a class's page, in a real browser: the numbers are those of the tables, and of full passes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fakes.run import make_fake_run
from PIL import Image
from playwright.sync_api import expect
from reference import ablation as reference
from worlds import removed_units

from dissectory.analysis.demo.demo import demo_study
from dissectory.analysis.demo.networks import MEAN, SIZE, STD, trained_classifier
from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.analysis.demo.write import IMAGES as FOLDER
from dissectory.analysis.demo.write import write_world
from dissectory.analysis.dissection import dissect
from dissectory.analysis.study.study import Study
from dissectory.report.build import build_site

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from playwright.sync_api import Browser, Locator, Page

    from dissectory.analysis.run import Run

LAYER = "conv6"
UNITS, IMAGES = 128, 60
CLASSES = ("farm", "beach")

LOADED = "async () => { window.network = await dissectoryRemoval.load('conv1', 'switches/conv1.js'); }"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo's classifier on a few scenes, ablated."""
    folder = tmp_path_factory.mktemp("switchboard")
    write_world(folder / "world", IMAGES, 0, size=SIZE)
    (folder / "world" / "classes.txt").write_text("\n".join(SCENES) + "\n", encoding="utf-8")
    demo = demo_study(folder, IMAGES, 0).to_dict()
    study = {
        **{name: demo[name] for name in ("study", "model", "images")},
        "concepts": {"sources": ["color"]},
        "dissection": {"grid": 24, "pairings": 0},
        "ablation": {},
    }
    study["model"]["layers"] = [LAYER]
    return dissect(Study.from_dict(study, base=folder), folder / "run")


@pytest.fixture(scope="module")
def address(run: Run) -> str:
    """The site as files: nothing can be fetched there."""
    return f"{build_site(run).parent.as_uri()}/"


@dataclass(frozen=True)
class Reading:
    """What the switchboard says of a class, as counts and in words."""

    off: int
    taken: int
    right: int
    correct: int
    balanced_accuracy: str
    all_class_accuracy: str


def open_board(page: Page, address: str, name: str, fragment: str = "") -> None:
    page.goto(f"{address}classes/{name}.html{fragment}")
    if not fragment:
        page.get_by_role("button", name=re.compile(r"Load the switchboard \(\d+ kB\)")).click()
    expect(page.locator("[data-panel]")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def lamp(page: Page, unit: int) -> Locator:
    return page.get_by_role("switch", name=re.compile(rf"^Unit {unit},"))


def switched_off(page: Page) -> list[int]:
    """Units whose switches are off."""
    names = page.locator(".lamp[aria-checked=false]").evaluate_all("all => all.map(one => one.ariaLabel)")
    return sorted(int(name.split(",")[0].removeprefix("Unit ")) for name in names)


def reading(page: Page) -> Reading:
    counts = page.locator("[data-panel]").evaluate("panel => ({ ...panel.dataset })")
    shown = page.locator("[data-dial] b").all_inner_texts()
    off, taken, right, correct = (int(counts[key]) for key in ("off", "taken", "right", "correct"))
    return Reading(off, taken, right, correct, *shown)


def picture(run: Run, path: str) -> torch.Tensor:
    """A picture as the network takes it `(1, 3, 96, 96)`."""
    pixels = np.asarray(Image.open(run.folder.parent / "world" / FOLDER / path).convert("RGB"), dtype=np.float32)
    return torch.from_numpy((pixels / 255 - MEAN) / STD).permute(2, 0, 1)[None]


def percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def row(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    """The one row of a table in which these columns are so."""
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    (found,) = (one for _, one in frame.iterrows())
    return found


@pytest.mark.parametrize("name", CLASSES)
def test_sets_of_units_do_what_the_curves_say(page: Page, address: str, run: Run, name: str) -> None:
    open_board(page, address, name)
    curves = run.table("ablation_curves")
    cases = [("Remove 4", "remove", 4), ("Keep 20 only", "keep", 20), ("Remove 20", "remove", 20)]
    for button, mode, size in cases:
        press(page, button)
        said = row(curves, layer=LAYER, **{"class": name}, mode=mode, units=size)
        assert reading(page) == Reading(
            size if mode == "remove" else UNITS - size,
            said["taken"],
            said["right"],
            said["correct"],
            percent(said["balanced_accuracy"]),
            percent(said["all_class_accuracy"]),
        )
        expect(page.get_by_role("button", name=button, exact=True)).to_have_attribute("aria-pressed", "true")
    assert percent(said["balanced_accuracy"]) != "100.0\N{NO-BREAK SPACE}%", "20 units make a difference"


def test_all_on_is_the_network_as_it_is(page: Page, address: str, run: Run) -> None:
    open_board(page, address, CLASSES[0])
    first = reading(page)
    said = row(run.table("classes"), **{"class": CLASSES[0]}, split="reporting")
    assert (first.off, first.taken, first.right) == (0, said["taken"], said["right"])
    assert first.balanced_accuracy == percent(said["balanced_accuracy"])
    press(page, "Remove 20 random units")
    assert reading(page).off == len(switched_off(page)) == 20
    press(page, "All on")
    assert reading(page) == first
    assert switched_off(page) == []


def test_single_units_do_what_the_table_says(page: Page, address: str, run: Run) -> None:
    """Whichever way a unit is switched: by mouse, by touch and by keyboard."""
    open_board(page, address, CLASSES[0])
    table = run.table("unit_ablations")
    touch = page.context.new_cdp_session(page)
    for unit in (0, 45, UNITS - 1):
        said = row(table, layer=LAYER, unit=unit, **{"class": CLASSES[0]}, split="reporting")
        for way in ("mouse", "keyboard", "touch"):
            switch = lamp(page, unit)
            if way == "mouse":
                switch.click()
            elif way == "keyboard":
                switch.focus()
                page.keyboard.press("Space")
            else:
                switch.scroll_into_view_if_needed()
                box = switch.bounding_box()
                assert box is not None
                point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
                touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
                touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            expect(switch).to_have_attribute("aria-checked", "false")
            now = reading(page)
            assert (now.off, now.taken, now.right) == (1, said["taken"], said["right"])
            assert now.balanced_accuracy == percent(said["balanced_accuracy"])
            switch.click()
            expect(switch).to_have_attribute("aria-checked", "true")


def test_units_stand_in_the_order_of_their_importance(page: Page, address: str, run: Run) -> None:
    open_board(page, address, CLASSES[0])
    table = run.table("unit_ablations")
    rows = table[(table["layer"] == LAYER) & (table["class"] == CLASSES[0]) & (table["split"] == "ranking")]
    names = page.locator(".lamp").evaluate_all("all => all.map(one => one.ariaLabel)")
    labels = run.table("units").set_index("unit")["concept"].astype(object).fillna("no concept")
    assert names == [f"Unit {unit}, {labels[unit]}" for unit in rows.sort_values("rank")["unit"]]


def test_images_and_bars_are_those_of_full_passes(page: Page, address: str, run: Run) -> None:
    """Twenty units at random, silenced in the network itself: what every image is taken for, now and then."""
    open_board(page, address, CLASSES[0])
    press(page, "Remove 20 random units")
    images = page.locator("[data-answers] li").evaluate_all("all => all.map(one => one.title)")
    network, inputs = trained_classifier(), torch.cat([picture(run, image) for image in images])
    before, now = (
        [SCENES[output] for output in reference.predictions_without(network, LAYER, inputs, units)]
        for units in ([], switched_off(page))
    )
    captions = page.locator("[data-answers] .says").all_inner_texts()
    pairs = list(zip(now, before, strict=True))
    assert captions == [said if said == then else f"\N{RIGHTWARDS ARROW} {said}" for said, then in pairs]
    moved = sum(said != then for said, then in pairs)
    expect(page.locator("[data-answers] .moved")).to_have_count(moved)
    expect(page.locator("[data-status]")).to_contain_text(re.compile(rf"^20 units of 128 off\. {moved} images? of "))
    expect(page.locator("[data-bars] tr")).to_have_count(len(SCENES))
    own = page.locator("[data-bars] tr.own")
    assert own.locator("th, td").all_inner_texts()[0] == CLASSES[0]
    assert own.locator("td.n").first.inner_text() == reading(page).balanced_accuracy


def test_a_link_holds_the_switches(page: Page, address: str, browser: Browser) -> None:
    open_board(page, address, CLASSES[0])
    press(page, "Remove 4")
    lamp(page, 0).click()
    other = browser.new_page()
    open_board(other, address, CLASSES[0], "#" + page.url.partition("#")[2])
    expect(other.locator("[data-panel]")).to_have_attribute("data-off", str(len(switched_off(page))))
    assert switched_off(other) == switched_off(page)
    assert reading(other) == reading(page)
    for wrong in ("off=1-zzz", "off=-1", "off=<b>", "off="):
        other.evaluate("text => { location.hash = text; }", f"layer={LAYER}&{wrong}")
        expect(other.locator("[data-status]")).to_contain_text("units that are not in this layer")
        assert switched_off(other) == switched_off(page)
        other.evaluate("text => { location.hash = text; }", f"layer={LAYER}&off=5-1")
        expect(other.locator("[data-panel]")).to_have_attribute("data-off", "1")
        assert switched_off(other) == [5]
        other.evaluate("text => { location.hash = text; }", page.url.partition("#")[2])
        expect(other.locator("[data-panel]")).to_have_attribute("data-off", str(len(switched_off(page))))
    other.close()
    press(page, "All on")
    assert "#" not in page.url


def test_by_keyboard_alone(page: Page, address: str) -> None:
    """One stop of the tab key, arrows from unit to unit, and a line that says which unit it is."""
    open_board(page, address, CLASSES[0])
    expect(page.locator(".lamp[tabindex='0']")).to_have_count(1)
    page.get_by_role("button", name="Remove 20 random units").focus()
    page.keyboard.press("Tab")
    switches = page.locator(".lamp")
    expect(switches.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(switches.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(switches.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(switches.last).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".lamp[aria-checked=false]")).to_have_count(2)
    expect(switches.nth(1)).to_have_attribute("aria-checked", "false")
    expect(switches.last).to_have_attribute("aria-checked", "false")
    expect(page.locator("[data-unit]")).to_contain_text(f"{UNITS} of {UNITS} in importance")
    page.locator("[data-unit] a").click()
    expect(page.locator("h1")).to_contain_text(re.compile(r"What does unit \d+ of conv6 detect"))


def test_the_page_fits_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    open_board(page, address, CLASSES[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_cannot_be_loaded_is_said(address: str, browser: Browser) -> None:
    page = browser.new_page()
    page.route("**/switches/*.js", lambda route: route.abort())
    page.goto(f"{address}classes/{CLASSES[0]}.html")
    button = page.get_by_role("button", name="Load the switchboard")
    button.click()
    expect(page.locator("[data-status]")).to_contain_text("could not be loaded: switches/conv6.js")
    page.unroute("**/switches/*.js")
    button.click()
    expect(page.locator("[data-panel]")).to_be_visible()
    page.close()


@pytest.mark.parametrize(
    ("build", "layer"),
    [(removed_units.Skipping, "second"), (removed_units.squeezing, "1")],
    ids=["skip connection", "rectified"],
)
def test_a_browser_answers_as_full_passes_do(tmp_path: Path, browser: Browser, build: type, layer: str) -> None:
    """Units that are on and off at random, in a network with an own base for each image, and in a rectified one."""
    world = removed_units.count(build, layer, 9)
    run = make_fake_run(tmp_path / "run", layers=1, units=6, pictures=False, ablation=True)
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
