"""The page in a browser: clicked through, by mouse and by keyboard, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.report.html.page import html_text
from rocverify.report.reading import report_of
from tests.report.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def page(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the sample report."""
    text = (repo_root / "reports/sample/report.json").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(html_text(report_of(text, "sample"), repo_root), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


def test_it_asks_for_nothing_and_complains_of_nothing(shown: Browser, page: Path) -> None:
    shown.requests.clear()
    shown.open(page, 1280)
    assert shown.requests == [page.as_uri()]
    assert shown.errors == []
    assert shown.value("document.scripts.length") == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(shown: Browser, page: Path, width: int) -> None:
    shown.open(page, width)
    shown.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert shown.value("document.documentElement.scrollWidth") <= width


def test_links_lead_to_what_they_name(shown: Browser, page: Path) -> None:
    shown.open(page, 1280)
    links = shown.value("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert len(links) >= 4
    for link in links:
        shown.click(f'nav a[href="{link}"]')
        assert shown.value("location.hash") == link
        assert shown.value(f"document.getElementById({link[1:]!r}) !== null")
        assert abs(shown.value(f"document.getElementById({link[1:]!r}).getBoundingClientRect().y")) < 900


def test_a_check_opens_by_mouse_and_by_keyboard(shown: Browser, page: Path) -> None:
    shown.open(page, 1280)
    closed = "details:not([open]) > summary"
    before = shown.value("document.querySelectorAll('details[open]').length")
    shown.click(closed)
    assert shown.value("document.querySelectorAll('details[open]').length") == before + 1
    shown.value(f"document.querySelector('{closed}').focus()")
    shown.key("Enter", "\r")
    assert shown.value("document.querySelectorAll('details[open]').length") == before + 2


def test_the_first_key_leads_past_the_contents(shown: Browser, page: Path) -> None:
    shown.open(page, 1280)
    shown.key("Tab")
    assert shown.value("document.activeElement.textContent") == "Skip to the report"
    shown.key("Enter", "\r")
    assert shown.value("location.hash") == "#main"


def test_it_is_dark_where_that_is_wanted(shown: Browser, page: Path) -> None:
    shown.open(page, 1280)
    grounds = []
    for scheme in ("light", "dark"):
        shown.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds.append(shown.value("getComputedStyle(document.body).backgroundColor"))
    shown.ask("Emulation.setEmulatedMedia", features=[])
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_every_figure_says_what_it_shows_and_every_table_has_heads(shown: Browser, page: Path) -> None:
    shown.open(page, 1280)
    assert shown.value("document.querySelectorAll('svg').length") > 0
    assert shown.value("document.querySelectorAll('svg:not([role=img][aria-label])').length") == 0
    assert shown.value("[...document.querySelectorAll('table')].filter(t => !t.tHead).length") == 0
    nodes = shown.ask("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in ("link", "image", "region")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
