"""The command line: each command is one phase.

Exit codes: 0 success, 1 an error of the program, 2 a mistake that the user can fix (one message on stderr), 130 a run
that was interrupted with Ctrl-C.
"""

from __future__ import annotations

import functools
import http.server
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dissectory.analysis.run import Run
from dissectory.analysis.study.sections import ModelSection
from dissectory.analysis.study.study import Study
from dissectory.errors import DissectoryError
from dissectory.progress import Console
from dissectory.version import __version__

if TYPE_CHECKING:
    from dissectory.analysis.study.sections import LatentsSection
    from dissectory.analysis.subjects.layers import LayerInfo

STOPPED = 130
"""The exit code after Ctrl-C, as in shells."""

_RUN_FOLDER = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dissectory")
def commands() -> None:
    """Network dissection: what does each unit of a vision network do, and does it matter?"""


def main() -> None:
    """Run the command line; show a `DissectoryError` as one message, and exit with code 2."""
    try:
        commands()
    except DissectoryError as error:
        click.secho("dissectory: ", fg="red", nl=False, err=True)
        click.echo(str(error), err=True)
        sys.exit(2)


@commands.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="The run's folder."
)
@click.option("--scenes", type=click.IntRange(min=10), default=600, show_default=True, help="Number of scenes.")
def demo(out: Path, scenes: int) -> None:
    """Dissect a small classifier and a small generator on scenes that are drawn on the spot: no data, no download."""
    from dissectory.analysis.demo.demo import make_demo  # noqa: PLC0415 - imports torch

    finished = make_demo(out, scenes, progress=Console())
    _summary(finished)
    for related in finished.manifest.related:
        click.echo(f"{related.title}:")
        _summary(Run(out / related.folder))
    _build(finished)


@commands.command()
@click.argument("study", metavar="STUDY.toml", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/<name of the study file>]"
)
@click.option(
    "--no-site", is_flag=True, help="Write tables and pictures only; `dissectory report` builds the site later."
)
def run(study: Path, out: Path | None, *, no_site: bool) -> None:
    """Run STUDY.toml: dissect its network, do its experiments, and build the site.

    If an earlier run was interrupted, the same command resumes it.
    """
    from dissectory import run as run_study  # noqa: PLC0415 - imports torch

    out = out or Path("runs") / study.stem
    try:
        finished = run_study(Study.read(study), out, Console())
    except KeyboardInterrupt:
        click.echo(f"\nInterrupted. The measurements so far are in {out}: the same command resumes the run.", err=True)
        sys.exit(STOPPED)
    _summary(finished)
    if not no_site:
        _build(finished)


@commands.command()
@click.argument("model", metavar="MODEL")
@click.option("--weights", type=click.Path(path_type=Path), help="A weights file (safetensors or a state dict).")
@click.option(
    "--size", type=click.IntRange(min=8), help="Side of the input images, in pixels.  [default: that of the weights]"
)
def layers(model: str, weights: Path | None, size: int | None) -> None:
    """List the layers that can be dissected.

    MODEL is torchvision:NAME, timm:NAME, python:FILE.py:FUNCTION, python:package.module:FUNCTION or a STUDY.toml. A
    network that defines its own latents is a generator. "auto" marks the layers that are dissected by default.
    """
    section, base, latents = ModelSection(source=model, weights=weights), Path(), None
    if model.endswith(".toml"):
        study = Study.read(model)
        section, base, latents = study.model, study.base, study.latents
        size = size or (study.images.size if study.images else None)
    for line in _listed_layers(section, base, size, latents):
        click.echo(line)


def _listed_layers(section: ModelSection, base: Path, size: int | None, latents: LatentsSection | None) -> list[str]:
    import torch  # noqa: PLC0415 - takes seconds to import

    from dissectory.analysis.subjects.latents import inputs_of, is_generator  # noqa: PLC0415
    from dissectory.analysis.subjects.layers import survey, survey_generator  # noqa: PLC0415
    from dissectory.analysis.subjects.models import load_model  # noqa: PLC0415

    model = load_model(section, base, pretrained=False)  # no download: layers do not depend on weights
    if latents or is_generator(model.module):
        found = survey_generator(model.module, inputs_of(model.module, [0, 1], latents.shape if latents else None))
    else:
        side = size or model.preprocessing.geometry.size
        found = survey(model.module, torch.zeros(1, 3, side, side))
    rows = [("layer", "kind", "units", "map", "")]
    rows += [_layer_row(layer, auto=layer.name in found.automatic) for layer in found.layers]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {units:>{widths[2]}}  {cells:>{widths[3]}}  {mark}".rstrip()
        for name, kind, units, cells, mark in rows
    ]


def _layer_row(layer: LayerInfo, *, auto: bool) -> tuple[str, str, str, str, str]:
    return layer.name, layer.kind, str(layer.units), f"{layer.height}x{layer.width}", "auto" if auto else ""


@commands.command()
@_RUN_FOLDER
def report(run: Path) -> None:
    """Build the site of a finished RUN."""
    _build(Run(run))


@commands.command()
@_RUN_FOLDER
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
def serve(run: Path, port: int) -> None:
    """Serve the site of a RUN at http://127.0.0.1:PORT. The site can also be opened directly from its folder."""
    site = run / "site"
    if not (site / "index.html").is_file():
        raise DissectoryError(f"{run} has no site yet: build it with `dissectory report {run}`")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise DissectoryError(f"port {port} cannot be used ({error.strerror}): choose another with --port") from error
    click.echo(f"http://127.0.0.1:{server.server_port}/  (stop with Ctrl-C)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _build(run: Run) -> None:
    from dissectory.report.build import build_site  # noqa: PLC0415 - imports mkdocs and plotly

    if not run.finished:
        raise DissectoryError(
            f"{run.folder} is not a finished run: it has no manifest.json. Run its study, or name another folder"
        )
    findings = len(run.table("units")) + len(run.table("concepts")) + len(run.table("layers"))
    written = 0
    with Console().stage("Building the site", findings, "pages") as advance:

        def report_pages(done: int, _total: int) -> None:
            nonlocal written
            advance(done - written)
            written = done

        page = build_site(run, report_pages)
    click.echo(f"Open {page}")


def _summary(run: Run) -> None:
    """Print a summary of a run: skipped files, notes, and the matched units of each layer."""
    table = run.table("layers").sort_values("index")
    manifest = run.manifest
    for skipped in manifest.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    for note in manifest.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{manifest.images} images, {manifest.seconds['total']:.0f} s")
    control = _control_matches(run)
    for row in table.itertuples():
        beside = f" (control: {control.get(row.layer, 0)} units)" if control else ""
        click.echo(
            f"  {row.layer}: {row.matched_units} of {row.units} units match {row.matched_concepts} concepts{beside}"
        )


def _control_matches(run: Run) -> dict[object, int]:
    """Count the control's matched units by layer; empty if the run has no control."""
    if not run.has("control_units"):
        return {}
    units = run.table("control_units")
    return dict(units["matched"].groupby(units["layer"].astype(str)).sum())
