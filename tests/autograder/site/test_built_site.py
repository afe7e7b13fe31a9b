"""The site as Sphinx builds it: every link leads somewhere, and a browser asks no other host for anything."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from autograder.classroom.attacks.browser import Browser
from autograder.files import REPOSITORY
from autograder.site.pages import PAGES
from course.catalog import load_course
from tests.support.answers import leaks
from tests.support.visits import visit

pytestmark = pytest.mark.slow

PYTHON = REPOSITORY / ".venv-site" / "bin" / "python"
PLACES = [f"units/{unit.name}" for unit in load_course().units] + [page.place for page in PAGES]
PHONE = 360
LOADED = {"src", "srcset", "poster", "data"}  # attributes by which a page loads something by itself


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PYTHON.is_file():
        pytest.skip("`make site` makes the environment that builds it")
    out = tmp_path_factory.mktemp("web") / "site"
    done = subprocess.run(
        [PYTHON, "-m", "autograder.site", str(out)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: ")
    return out


class Links(HTMLParser):
    """Where a page can be entered, where it leads, and what it loads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.leads: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id":
                self.anchors.add(value)
            elif name == "href" and tag == "a":
                self.leads.append(value)
            elif name == "href" or (name in LOADED and tag != "form"):
                self.loads.append(value)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Links]:
    return {
        path.relative_to(site).as_posix(): Links(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }


def test_all_pages_are_built(pages: dict[str, Links]) -> None:
    whole = {
        Path(page.place).with_name(Path(page.source).name) for page in PAGES if page.source.endswith(".html")
    }
    assert set(pages) == {f"{place}.html" for place in PLACES} | {"search.html"} | set(map(str, whole))


def test_every_link_within_the_site_leads_somewhere(site: Path, pages: dict[str, Links]) -> None:
    broken = []
    for name, page in pages.items():
        for link in [*page.leads, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = path.resolve()
            found = target.is_file() and target.is_relative_to(site.resolve())
            if found and parts.fragment and target.suffix == ".html":
                found = parts.fragment in pages[target.relative_to(site.resolve()).as_posix()].anchors
            if not found:
                broken.append(f"{name}: {link}")
    assert broken == []
    assert sum(len(page.leads) for page in pages.values()) > 200


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[str, Links]) -> None:
    loaded = [link for page in pages.values() for link in page.loads]
    assert loaded and [link for link in loaded if urlsplit(link).netloc] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", styles) == []


def test_formulas_are_mathml(site: Path) -> None:
    for unit in load_course().units:
        text = (site / "units" / f"{unit.name}.html").read_text(encoding="utf-8")
        assert text.count("<math") > 3 and "$" not in re.sub(
            r"<(pre|script|style).*?</\1>", "", text, flags=re.DOTALL
        )


def test_neither_pages_nor_search_index_hold_an_answer(site: Path) -> None:
    texts = [*site.rglob("*.html"), *site.rglob("searchindex.js"), *site.rglob("*.txt")]
    assert {path.name: found for path in texts if (found := leaks(path.read_text(encoding="utf-8")))} == {}


def test_the_site_can_be_built_over_an_older_one(site: Path) -> None:
    command = [PYTHON, "-m", "autograder.site", str(site)]
    before = (site / "index.html").read_bytes()
    (site / "old.html").write_text("")
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    assert (site / "index.html").read_bytes() == before and not (site / "old.html").exists()
    assert (site / ".nojekyll").is_file(), "GitHub leaves out folders such as _static without it"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_in_a_browser_pages_fit_a_phone_and_ask_nobody_else(chromium: Browser, address: str) -> None:
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    script = f"[{fits}, [...document.images].every(one => one.complete && one.naturalWidth > 0)]"
    for place in PLACES:
        seen = visit(chromium, f"{address}/{place}.html", script, width=PHONE)
        assert [asked for asked in seen.asked if not asked.startswith((address, "data:"))] == [], place
        assert list(seen.errors) == [], place
        assert seen.found == [True, True], place


def test_in_a_browser_search_finds_pages(chromium: Browser, address: str) -> None:
    script = "document.querySelectorAll('#search-results li a').length >= 3 || null"
    seen = visit(chromium, f"{address}/search.html?q=threshold", script)
    assert seen.found is True
    assert all(asked.startswith((address, "data:")) for asked in seen.asked)


def test_in_a_browser_dark_is_dark(chromium: Browser, address: str) -> None:
    script = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    light, dark = (visit(chromium, f"{address}/index.html", script, dark=one).found for one in (False, True))
    assert min(light) > 200 and max(dark) < 60
