"""What fails a test of pages in a browser: files that are missing, but not requests that a closing page cuts off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Listen = Callable[[Page, str], list[str]]


@pytest.mark.parametrize("missing", ["icon.svg", "dissectory.js", "dissectory.css"])
def test_a_missing_file_is_heard(site: Path, address: str, browser: Browser, listen: Listen, missing: str) -> None:
    page = browser.new_page()
    heard = listen(page, address)
    body = (site / "index.html").read_text(encoding="utf-8").replace(missing, f"not-{missing}")
    page.route("**/index.html", lambda route: route.fulfill(body=body, content_type="text/html"))
    with page.expect_event("console", lambda message: "Failed to load resource" in message.text):
        page.goto(f"{address}index.html")
    page.close()
    assert heard


def test_a_request_that_a_closing_page_cuts_off_is_not_heard(served: str, browser: Browser, listen: Listen) -> None:
    page = browser.new_page()
    heard = listen(page, served)
    cut = []
    page.on("requestfailed", lambda request: cut.append(request.failure))
    page.route("**/slow.svg", lambda _: None)
    page.goto(f"{served}index.html")
    page.evaluate("document.body.append(Object.assign(new Image(), { src: 'slow.svg' }))")
    page.goto(f"{served}concepts.html")
    page.close()
    assert set(cut) == {"net::ERR_ABORTED"}
    assert heard == []
