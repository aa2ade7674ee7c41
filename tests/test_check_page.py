"""The check of a page in a browser finds what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import scripts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright")

GOOD = (
    '<p id="a">text <a href="#a">link</a></p><figure id="f"><svg width=9 height=9></svg></figure>'
)


check_page = scripts.tool("check_page")
pytestmark = pytest.mark.skipif(check_page.chromium() is None, reason="needs chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with check_page.browser() as started:
        yield started


def faults(browser: Browser, tmp_path: Path, body: str, head: str = "") -> list[str]:
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>t</title>{head}<body>{body}", encoding="utf-8")
    found: list[str] = check_page.faults(browser, page)
    return found


def test_nothing_is_wrong_with_a_good_page(browser: Browser, tmp_path: Path) -> None:
    assert faults(browser, tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<script>console.error('broken')</script>", "console error: broken"),
        ("<script>throw new Error('broken')</script>", "broken"),
        ("<img src='data:image/png;base64,AAAA'>", "does not load: data:image/png"),
        ("<img src='missing.png'>", "requests file://"),
        ("<img src='http://127.0.0.1:9/x.png'>", "requests http://127.0.0.1:9/x.png"),
        ("<link rel=stylesheet href='http://127.0.0.1:9/x.css'>", "requests http://127.0.0.1:9"),
        ("<figure id='empty'></figure>", "shows nothing: figure empty"),
        ("<a href='#nowhere'>link</a>", "leads nowhere: #nowhere"),
        ("<details><a href='#gone'>link</a></details>", "leads nowhere: #gone"),
    ],
)
def test_what_is_wrong_is_found_in_every_view(
    browser: Browser, tmp_path: Path, body: str, fault: str
) -> None:
    found = faults(browser, tmp_path, GOOD + body)
    for width in check_page.WIDTHS:
        for scheme in check_page.SCHEMES:
            view = f"{width} pixels, {scheme}: "
            assert any(f.startswith(view) and fault in f for f in found), found


def test_sideways_scrolling_is_found_where_it_is(browser: Browser, tmp_path: Path) -> None:
    wide = "<details><div style='width: 600px'>wide</div></details>"
    phone = "<meta name=viewport content='width=device-width'>"
    found = faults(browser, tmp_path, GOOD + wide, phone)
    assert len(found) == 2
    assert all(f.startswith("400 pixels") and "scrolls sideways" in f for f in found)
    dark = "<style>@media (prefers-color-scheme: dark) { p { width: 3000px } }</style>"
    found = faults(browser, tmp_path, GOOD + dark)
    assert [f.partition(":")[0] for f in found] == ["400 pixels, dark", "900 pixels, dark"]
