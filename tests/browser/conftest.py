"""A real browser, and sites to open in it: from a folder, and below a path of a server."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run
from playwright.sync_api import sync_playwright
from worlds.planted_painting import paint_planted

from dissectory.analysis.experiments.paint.painting import PAINT
from dissectory.report.build import build_site
from dissectory.report.frame import sources
from dissectory.report.frame.assets import LIBRARIES
from dissectory.report.paint.reading import ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # a container's root may not make one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("needs a Chromium, and none is on the path: get one, such as with `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with hostile names, a generator to paint with, and the real front-end libraries."""
    wanted = (*LIBRARIES, *ENGINE)
    missing = [library for library in wanted if not (sources.VENDOR / library).is_file()]
    if missing:
        pytest.skip(f"needs {missing} in {sources.VENDOR}: `pip install -e .` fetches them")
    run = make_fake_run(tmp_path_factory.mktemp("browser") / "run", layers=3, units=24, ablation=True)
    paint_planted(run.folder / PAINT)
    return build_site(run).parent


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing."""


@pytest.fixture(scope="session")
def served(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site below a path of a server."""
    folder = tmp_path_factory.mktemp("host")
    shutil.copytree(site, folder / "some" / "sub" / "path")
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/sub/path/"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["folder", "server"])
def address(request: pytest.FixtureRequest, site: Path) -> str:
    """Where the site is opened: as files, and below a path of a server."""
    if request.param == "folder":
        return f"{site.as_uri()}/"
    served: str = request.getfixturevalue("served")
    return served


def hear(page: Page, address: str) -> list[str]:
    """Hear of any word in a page's console, any error, and any request that fails or goes elsewhere."""
    heard: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            heard.append(f"elsewhere: {request.url}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # cut off as the page was left or closed: nothing is missing
            heard.append(f"failed: {request.url}: {request.failure}")

    def opened(dialog: Dialog) -> None:
        heard.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("requestfailed", failed)
    page.on("request", asked)
    page.on("dialog", opened)
    return heard


@pytest.fixture
def listen() -> Callable[[Page, str], list[str]]:
    """What hears of everything that goes wrong on a page, whose files are all below an address."""
    return hear


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test on whatever is heard of it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    context.set_default_timeout(15_000)
    page = context.new_page()
    heard = hear(page, address)
    yield page
    context.close()
    assert heard == []
