"""From a run to its site.

    index = build_site(Path("runs/squeezenet"))

The site is a folder that needs nothing else: it opens from a disk, from a sub-path of any host, and without a network.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dissectory.analysis.experiments.paint.painting import CONTENTS, PAINT, Painting
from dissectory.analysis.run import Run
from dissectory.errors import RunError
from dissectory.report import words
from dissectory.report.artifacts.page import artifacts_page
from dissectory.report.artifacts.reading import Artifacts
from dissectory.report.attacks.page import attacks_page
from dissectory.report.attacks.reading import Attacks
from dissectory.report.compare.charts import depth_chart
from dissectory.report.compare.page import Compared, compare_page
from dissectory.report.compare.reading import ComparedNetwork, Comparison
from dissectory.report.control.page import control_page
from dissectory.report.control.reading import Control
from dissectory.report.core.chips import Chips
from dissectory.report.core.concept import concept_page, concepts_page, matches
from dissectory.report.core.data import data_page
from dissectory.report.core.findings import Findings
from dissectory.report.core.gallery import gallery_page
from dissectory.report.core.home import RelatedSite, home_page, site_title
from dissectory.report.core.layer import layer_page
from dissectory.report.core.neighbors import find_neighbors
from dissectory.report.core.unit import unit_pages
from dissectory.report.edits.counterexamples import Counterexamples
from dissectory.report.edits.reading import EditResults
from dissectory.report.frame.libraries import library
from dissectory.report.frame.search import search_index
from dissectory.report.frame.shells import SOURCES, build_chrome
from dissectory.report.frame.writer import Writer
from dissectory.report.paint.page import paint_page
from dissectory.report.paint.reading import copy_painting, files_of
from dissectory.report.removals.class_page import class_page
from dissectory.report.removals.classes import classes_page
from dissectory.report.removals.detectors import Detectors
from dissectory.report.removals.reading import Removals
from dissectory.report.switchboard.reading import Switchboards
from dissectory.report.textures.reading import Textures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dissectory.analysis.run import Related

VENDOR = SOURCES / "vendor"
"""Front-end libraries; the package's build fetches them."""

LIBRARIES = ("plotly-cartesian.min.js",)


def build_site(run: Run | Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Build the site of a run into its folder `site`, whole or not at all.

    Args:
        run: a finished run, or its folder.
        progress: called with the number of pages written and of all pages.

    Returns:
        The site's first page.

    Raises:
        RunError: the run is not finished, cannot be read, or its folder cannot be written.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    _check_old(run.folder / "site")
    findings = Findings.read(run)
    with _replacing(run.folder / "site") as folder:
        beside = tuple(_finished(run))
        links = tuple(RelatedSite(related.title, f"{quote(related.folder)}/index.html") for related, _ in beside)
        found = [Findings.read(other) for _, other in beside]
        comparison = _comparison(findings, found[0], links[0]) if found else None
        _write_site(run, findings, folder, progress or (lambda _done, _total: None), links, comparison)
        back = RelatedSite(site_title(findings), "../index.html")
        for place, (related, other) in enumerate(beside):
            own = None if place or comparison is None else Compared(depth_chart(comparison), "../compare.html")
            _write_site(other, found[place], folder / related.folder, lambda _done, _total: None, (back,), own)
    return run.folder / "site" / "index.html"


def _check_old(site: Path) -> None:
    """Refuse to replace a folder that is not a site of ours: each of those holds the manifest of its run."""
    if site.is_dir() and any(site.iterdir()) and not (site / "manifest.json").is_file():
        raise RunError(f"{site} holds files that are not a site of a run, and would be replaced: move them away")


def _finished(run: Run) -> Iterator[tuple[Related, Run]]:
    """The related runs that were brought to their end."""
    for related in run.manifest.related:
        if related.folder in {"", ".."} or Path(related.folder).name != related.folder:
            raise RunError(f"{run.folder}: the related run '{related.folder}' is not a folder of it")
        if (other := Run(run.folder / related.folder)).finished:
            yield related, other


def _comparison(findings: Findings, other: Findings, link: RelatedSite) -> Comparison | None:
    """Set a run beside a related one."""
    root = link.href.removesuffix("index.html")
    return Comparison.of(ComparedNetwork.of(findings, site_title(findings)), ComparedNetwork.of(other, link.title, root))


def _write_site(  # noqa: PLR0917 - what a site may have
    run: Run,
    findings: Findings,
    folder: Path,
    progress: Callable[[int, int], None],
    related: tuple[RelatedSite, ...] = (),
    beside: Comparison | Compared | None = None,
) -> None:
    """Read tables, make view models, write pages: the whole of a site, whose first page links to related ones.

    The site of `beside`, a comparison with a related run, has a page of it; where that page is in another site, the
    first page shows what is `Compared` there.
    """
    chips, control, painting = Chips(findings), Control.read(run, findings), _painting(run)
    detectors = Detectors.read(run, findings)
    attacks, textures = Attacks.read(run, findings), Textures.read(run, findings)
    removals = Removals.read(run, findings)
    artifacts, comparison = Artifacts.read(run, findings), beside if isinstance(beside, Comparison) else None
    compared = Compared(depth_chart(beside), "compare.html") if isinstance(beside, Comparison) else beside
    optional = {
        "classes": classes_page(findings, removals),
        "gallery": gallery_page(run, findings),
        "control": control_page(findings, chips, control) if control else None,
        "compare": compare_page(comparison, chips) if comparison else None,
        "attacks": attacks_page(findings, chips, attacks) if attacks else None,
        "artifacts": artifacts_page(findings, chips, artifacts) if artifacts else None,
        "paint": paint_page(run, findings, painting, files_of(run.folder / PAINT, VENDOR)) if painting else None,
    }
    left_out = frozenset(f"{kind}.md" for kind, page in optional.items() if page is None)
    shells = build_chrome(folder, site_title(findings), _facts(findings), left_out)
    _copy_assets(folder)
    _link_run(run, folder)
    if painting:
        copy_painting(run.folder / PAINT, painting, VENDOR, folder)
    if switchboards := Switchboards.read(run, findings):
        switchboards.write(run, folder)

    matched = matches(findings)
    neighbors = find_neighbors(findings)
    edits, counters = EditResults.read(run, findings), Counterexamples.read(run, findings)
    of_classes = range(len(removals.classes) if removals else 0)
    total = 3 + len(optional) - len(left_out) + len(findings.layers) + len(findings.concepts) + len(findings.units)
    total += len(of_classes)
    writer = Writer(folder, shells, chips.shared, lambda done: progress(done, total))

    has_gallery = optional["gallery"] is not None
    home = home_page(findings, chips, control, related, removals, compared, edits=edits, has_gallery=has_gallery)
    writer.write("home", home, "index.html")
    writer.write("concepts", concepts_page(findings, chips, matched), "concepts.html")
    writer.write("data", data_page(run), "data.html")
    for kind, page in optional.items():
        if page is not None:
            writer.write(kind, page, f"{kind}.html")
    layers = range(len(findings.layers))
    writer.write_all("layer", (layer_page(findings, chips, number, control, textures, removals) for number in layers))
    writer.write_all(
        "concept",
        (concept_page(findings, chips, concept, int(matched[concept.row]), edits) for concept in findings.concepts),
    )
    if removals:
        pages = (class_page(findings, chips, removals, number, switchboards) for number in of_classes)
        writer.write_all("class", pages)
    writer.write_all("unit", unit_pages(findings, chips, neighbors, edits, textures, removals, detectors, counters))
    (folder / "search-index.js").write_text(search_index(findings, chips, removals), encoding="utf-8")


def _painting(run: Run) -> Painting | None:
    """What can be painted on; none where the run has nothing."""
    folder = run.folder / PAINT
    return Painting.read(folder) if (folder / CONTENTS).is_file() else None


def _facts(findings: Findings) -> dict[str, str]:
    """What the hand-written pages quote of the study."""
    return {
        "cut": f"{findings.cut:g}",
        "quantile": words.percent(findings.quantile),
        "grid": str(findings.manifest.grid),
        "border": str(findings.manifest.study.get("dissection", {}).get("border", "zeros")),
        "images": f"{findings.manifest.images:,}",
        "pairings": str(findings.manifest.study.get("dissection", {}).get("pairings", 0)),
    }


def _copy_assets(folder: Path) -> None:
    """Join our styles and scripts into one file each, and add the libraries."""
    assets = SOURCES / "assets"
    bundles: dict[str, list[str]] = json.loads((assets / "bundles.json").read_text(encoding="utf-8"))
    for name, sources in bundles.items():
        text = "\n".join((assets / source).read_text(encoding="utf-8") for source in sources)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "vendor").mkdir()
    for name in LIBRARIES:
        shutil.copyfile(library(VENDOR, name), folder / "vendor" / name)
    (folder / ".nojekyll").touch()  # GitHub Pages serves the folder as it is


def _link_run(run: Run, folder: Path) -> None:
    """Bring tables, pictures and the manifest into the site, without a second copy where the disk allows."""
    for name in ("tables", "images"):
        if (run.folder / name).is_dir():
            shutil.copytree(run.folder / name, folder / name, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
    _link(run.folder / "manifest.json", folder / "manifest.json")


def _link(source: str | Path, target: str | Path) -> None:
    """Link a file, or copy it where links are not possible; a run replaces its files and never changes them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextlib.contextmanager
def _replacing(site: Path) -> Iterator[Path]:
    """Give an empty folder beside `site` that takes its place when all went well."""
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".site-", dir=site.parent))
    except OSError as error:
        raise RunError(f"cannot write into {site.parent}: {error.strerror or error}") from error
    try:
        temporary.chmod(0o755)  # a temporary folder is private; a site is to be served
        yield temporary
        if site.exists():
            shutil.rmtree(site)
        temporary.rename(site)
    except OSError as error:
        raise RunError(
            f"cannot write the site {site}: {error.strerror or error}. Free some space, or check the folder's rights"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
