# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML page: complete in itself, inert to what it shows, usable at 100,000 events."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sandtrace.events import Ended, Event, Executed, Process, Signalled
from sandtrace.operations import Rule
from sandtrace.report.html import write_html
from sandtrace.report.kinds import Gathering
from sandtrace.report.reading import records
from sandtrace.report.timeline import MAX_EVENTS, TimelineDigest, seconds_of
from tests.report.made import HOSTILE, decided
from tests.report.recorded import hostile_events, write_log

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NOW = 1_795_551_910.0
LOGGED = Rule(None, "audit-all", "policies/audit-all.toml", 9, "default")


def page_of(log: str, to: Path) -> str:
    """Write the page of ``log`` to ``to``; give its text."""
    gathering = Gathering({"html"})
    gathering.take(records([log], gathering.tally))
    text = "".join(write_html(gathering.digest, gathering.tally))
    to.write_text(text, encoding="utf-8", errors="strict")
    return text


class Structure(HTMLParser):
    """Tags and the text of script elements, by Python's own parser."""

    def __init__(self) -> None:
        """Nothing was fed yet."""
        super().__init__()
        self.tags: list[str] = []
        self.urls: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and every attribute that could load something."""
        self.tags.append(tag)
        self.urls += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        """Text of the script element that was opened last."""
        if self.scripts and self.cdata_elem == "script":
            self.scripts[-1] += data


def test_names_reach_the_page_as_data_alone(tmp_path: Path) -> None:
    """The same tags whatever the names, nothing loaded, and the data block reads back exactly."""
    plain = Structure()
    plain.feed(page_of(write_log(tmp_path / "1", decided()), tmp_path / "1.html"))
    hostile = Structure()
    text = page_of(write_log(tmp_path / "2", *hostile_events()), tmp_path / "2.html")
    hostile.feed(text)
    assert hostile.tags == plain.tags
    assert hostile.urls == []
    data = json.loads(hostile.scripts[0])
    assert {entry["reason"] for entry in data["entries"]} >= set(HOSTILE)
    assert set(data["timeline"]["strings"]) >= set(HOSTILE)
    ours = re.sub(r"<script type=\"application/json\".*?</script>", "", text)
    assert "http" not in ours.replace("http-equiv", "")


def test_what_is_ordinary_makes_room(tmp_path: Path) -> None:
    """Beyond the limit logged operations are dropped before denials; the rest is counted."""
    digest = TimelineDigest()
    record = json.loads(Path(write_log(tmp_path / "1", decided())).read_text().splitlines()[2])
    logged = {**record, "verdict": "log"}
    for _ in range(MAX_EVENTS + 50):
        digest.add(1, "x", logged)
    for _ in range(70):
        digest.add(1, "x", record)
    page = digest.page()
    assert len(page["events"]) == MAX_EVENTS
    assert page["more_events"] == 120
    assert sum(row[4] == 2 for row in page["events"]) == 70
    assert digest.totals == {"log": MAX_EVENTS + 50, "deny": 70}


def test_times() -> None:
    """Seconds of a record's time; 0 for what is none."""
    assert seconds_of("2026-11-24T20:25:10.123456Z") == pytest.approx(1_795_551_910.123456)
    for text in ("", "now", "2026-13-45T99:99:99.000000Z", "2026-11-24T20:25:10.٣Z"):
        assert seconds_of(text) in {0.0, 1_795_551_910.0}


# --- in a browser -------------------------------------------------------------------------------


def many_events() -> list[Event]:
    """100,000 decisions by 40 processes, one in a hundred denied."""
    events: list[Event] = []
    for pid in range(20, 60):
        parent = 12 if pid < 30 else 20 + pid % 10
        who = Process(pid, pid, parent, "/usr/bin/gcc", "/src")
        events.append(Executed(pid, pid, who, ("gcc", "-c", f"f{pid}.c"), NOW + pid / 100))
    for number in range(100_000):
        pid = 20 + number % 40
        when = NOW + number / 50_000
        if number % 100 == 0:
            event = decided(f"tcp://192.0.2.{number % 7}:443", pid=pid, time=when)
        else:
            event = decided(
                f"/usr/include/d{number % 31}/h{number % 301}.h", op="read", verdict="log",
                rule=LOGGED, exe="/usr/bin/gcc", pid=pid, time=when,
            )  # fmt: skip
        events.append(event)
    events += [Ended(pid, pid, 0, NOW + 3) for pid in range(20, 60)]
    return [*events, Signalled(12, 12, 15, b"", NOW + 3)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, as Debian packages it."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian's package is named chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Opens a page file; what went wrong in it, or was asked of the network, fails the test."""
    troubles: list[str] = []
    tabs = []

    def open_file(path: Path, **options: Any) -> Any:
        tab = browser.new_page(viewport={"width": 1280, "height": 900}, **options)
        tabs.append(tab)
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("dialog", lambda dialog: troubles.append(dialog.message))
        tab.on("request", lambda request: troubles.append(request.url)
               if not request.url.startswith("file:") else None)  # fmt: skip
        tab.goto(path.as_uri())
        return tab

    yield open_file
    for tab in tabs:
        tab.close()
    assert troubles == []


@pytest.fixture(scope="module")
def big_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 100,000 events."""
    folder = tmp_path_factory.mktemp("big")
    page_of(write_log(folder / "log", *many_events()), folder / "big.html")
    return folder / "big.html"


@pytest.mark.slow
def test_the_page_of_many_events(opened: Any, big_page: Path) -> None:
    """Denials come first with reason and explain command; filters narrow; only a window exists."""
    tab = opened(big_page)
    assert tab.inner_text("#headline") == "1,000 denied, 99,000 logged"
    first = tab.locator("#denials article").first
    assert "1,000\u00d7 denied" in first.inner_text()
    assert "no network" in first.inner_text()
    assert "sandtrace explain net-off connect tcp://192.0.2." in first.inner_text()

    tab.click("#tab-timeline")
    assert tab.inner_text("#matches").startswith("100,000 of 100,000 events; ")
    assert tab.locator(".row").count() < 100
    tab.select_option("#verdict", "deny")
    assert tab.inner_text("#matches").startswith("1,000 of 100,000")
    tab.fill("#search", "192.0.2.3")
    narrowed = int(tab.inner_text("#matches").split(" ")[0])
    assert 100 < narrowed < 200
    tab.click(".row >> nth=3")
    assert "ENETUNREACH" in tab.inner_text("#detail")
    tab.click("#clear")
    tab.wait_for_function("document.querySelector('#matches').textContent.startsWith('100,000')")
    tab.evaluate("document.querySelector('#list').scrollTop = 1e9")
    tab.wait_for_selector(".row[data-at='99999']")
    assert tab.locator(".row").count() < 100

    tab.click("#tab-processes")
    assert tab.locator("#processes li").count() >= 11
    tab.click("#tab-files")
    assert "99,000 log" in tab.inner_text("#files")
    tab.click("#tab-network")
    assert tab.locator("#network tbody tr").count() == 7


@pytest.mark.slow
def test_light_and_dark(opened: Any, big_page: Path) -> None:
    """The page follows the system's scheme, and its button overrides it."""
    back = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(big_page, color_scheme=scheme) for scheme in ("light", "dark"))
    assert light.evaluate(back) == "rgb(255, 255, 255)"
    assert dark.evaluate(back) == "rgb(13, 17, 23)"
    dark.click("#theme")
    assert dark.evaluate(back) == "rgb(255, 255, 255)"


@pytest.mark.slow
def test_hostile_names_are_text(opened: Any, tmp_path: Path) -> None:
    """No name becomes an element, a dialog, a request or a control character on the page."""
    page_of(write_log(tmp_path / "log", *hostile_events()), tmp_path / "hostile.html")
    tab = opened(tmp_path / "hostile.html")
    for view in ("denials", "timeline", "processes", "files", "network", "runs"):
        tab.click(f"#tab-{view}")
        assert tab.locator(f"#{view}").is_visible()
        text = tab.evaluate(f"document.getElementById('{view}').textContent")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    names = tab.evaluate(
        "[...document.querySelectorAll('#denials td.mono')].map(cell => cell.textContent)"
    )
    assert '"line\\nbreak"' in names
    assert '"no\\xffutf8\\x80"' in names
    assert "</td><script>alert(1)</script>" in names
    assert tab.locator("script").count() == 2
