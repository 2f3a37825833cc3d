# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the pictures of docs/images from real runs: the HTML report of a build, light and dark.

Needs chromium, a C compiler, make and curl; nothing is reached over the network.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from shown import place

IMAGES = Path(__file__).parents[1] / "docs/images"
MAKEFILE = """\
build/app: build/main.o build/fetch.o
\tcc -o $@ $^
build/%.o: src/%.c | build
\tcc -c -o $@ $<
build:
\tmkdir -p build
install: build/app
\t-curl -s --max-time 2 http://192.0.2.1/telemetry
\t-cat ~/.ssh/id_ed25519
\t-cp build/app /usr/local/bin/app
"""
VIEWS = ("denials", "timeline", "processes", "files")


def record(folder: Path) -> Path:
    """Run a small build that tries three things it should not; give the report's page."""
    (folder / "src").mkdir()
    (folder / "src/main.c").write_text("int fetch(void); int main(void) { return fetch(); }\n")
    (folder / "src/fetch.c").write_text("int fetch(void) { return 0; }\n")
    (folder / "Makefile").write_text(MAKEFILE)
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_ed25519").write_text("a key\n")
    page = folder / "report.html"
    subprocess.run(
        [sys.executable, "-m", "sandtrace.cli.main", "run", "--policy", "ci-build", "--policy",
         "net-off", "--log-all", "--report", str(page), "--", "make", "-j2", "install"],
        cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "WORKSPACE": str(folder),
             "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    return page


def shoot(page: Path) -> None:
    """One picture a view in light, the first one in dark too."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 750})
            tab.goto(page.as_uri())
            for view in VIEWS if scheme == "light" else VIEWS[:1]:
                tab.click(f"#tab-{view}")
                tab.wait_for_timeout(100)
                tab.screenshot(path=IMAGES / f"report-{view}-{scheme}.png")
        browser.close()


def main() -> None:
    """Take all pictures, where there is a browser."""
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        print("screenshots: no chromium here; the pictures stay as they are", file=sys.stderr)
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=place()) as name:
        shoot(record(Path(name)))


if __name__ == "__main__":
    main()
