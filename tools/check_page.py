"""Open a page in headless Chromium, as a reader would, and say what is wrong with it.

    python tools/check_page.py PAGE

A page of the report needs nothing else, on wide and narrow screens, light and dark: no errors on
the console, no requests, no images that do not load, no sideways scrolling, no links to nowhere.
Needs Debian's `chromium`, or another one that CHROMIUM names, and the package `playwright`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (400, 900)  # in pixels: a phone, and a window
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_HEIGHT = 800

# What a screen does not show unless it is asked to: folded tables are opened, to be looked at, too.
_UNFOLD = "for (const each of document.querySelectorAll('details')) each.open = true"
_SCROLLS = """() => {
    const root = document.documentElement
    return root.scrollWidth > root.clientWidth
        ? `${root.scrollWidth} pixels of content, ${root.clientWidth} of room` : ''
}"""
_BROKEN_IMAGES = """async () => {
    const images = [...document.images]
    await Promise.allSettled(images.map(image => image.decode()))
    return images.filter(image => !image.naturalWidth).map(image => image.src.slice(0, 80))
}"""
_EMPTY_DRAWINGS = """() => [...document.querySelectorAll('figure')].filter(figure =>
    ![...figure.querySelectorAll('svg, img')].some(each => each.getBoundingClientRect().height > 0)
).map(figure => figure.id)"""
_DEAD_LINKS = """() => [...document.querySelectorAll('a[href^="#"]')]
    .map(link => link.getAttribute('href'))
    .filter(href => !document.getElementById(href.slice(1)))"""


def chromium() -> str | None:
    """Where it is, if it is."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """The installed Chromium, without a window."""
    path = chromium()
    if path is None:
        raise FileNotFoundError("no chromium: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start as root, which CI is; the page is our own.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


def faults(started: Browser, path: Path) -> list[str]:
    """All that is wrong with a page, in every width and colour scheme."""
    found: list[str] = []
    for width, scheme in product(WIDTHS, SCHEMES):
        page = started.new_page(viewport={"width": width, "height": _HEIGHT}, color_scheme=scheme)
        found += [f"{width} pixels, {scheme}: {fault}" for fault in _faults(page, path)]
        page.close()
    return found


def _faults(page: Page, path: Path) -> list[str]:
    found: list[str] = []
    url = path.resolve().as_uri()
    page.on(
        "console",
        lambda message: (
            found.append(f"console {message.type}: {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            found.append(f"requests {request.url}")
            if request.url != url and not request.url.startswith("data:")
            else None
        ),
    )
    page.goto(url, wait_until="load")
    page.evaluate(_UNFOLD)
    found += [f"does not load: {image}" for image in page.evaluate(_BROKEN_IMAGES)]
    found += [f"shows nothing: figure {figure}" for figure in page.evaluate(_EMPTY_DRAWINGS)]
    found += [f"leads nowhere: {link}" for link in page.evaluate(_DEAD_LINKS)]
    if scrolls := page.evaluate(_SCROLLS):
        found.append(f"scrolls sideways: {scrolls}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Open a page in headless Chromium.")
    parser.add_argument("page", type=Path)
    arguments = parser.parse_args()
    with browser() as started:
        found = faults(started, arguments.page)
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(f"{arguments.page}: nothing wrong at {WIDTHS} pixels, {' and '.join(SCHEMES)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
