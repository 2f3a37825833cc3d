# SPDX-License-Identifier: GPL-2.0-or-later
"""What pages show in other ways than by commands: programs, commands within sentences, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sandtrace.cli.group import COMMANDS
from sandtrace.cli.options import Option, parse
from sandtrace.cli.run import OPTIONS as RUN
from sandtrace.cli.strace import OPTIONS as STRACE
from scripts.shown import DOCS, ROOT, Block, blocks
from tests.cli.command import sandtrace

DECLARED: dict[str, tuple[Option, ...]] = {"run": RUN, "strace": STRACE}
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
DRAIN = """
thread.start()
events = set()
while thread.is_alive() or not records.empty():
    try:
        events.add(records.get(timeout=0.1).event.name)
    except queue.Empty:
        pass
print(sorted(events))
"""


def commands() -> list[str]:
    """Every command of sandtrace's that a page shows, in blocks and in sentences, once each."""
    found: dict[str, None] = {}
    names = "|".join(COMMANDS)
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        text = re.sub(r"\.html\n +--log", ".html --log", text)  # a folded line of YAML
        for line in re.findall(rf"sandtrace (?:{names})\b(?!,)[^`\n|;)]*", text):
            # What is sandtrace's ends where the command begins.
            found[re.split(r" --(?: |\"|$)|  +| && | 2>| > ", line)[0].strip()] = None
    return list(found)


@pytest.mark.parametrize("line", commands())
def test_every_command_shown_is_one(line: str) -> None:
    """Its name and each of its options exist."""
    _, name, *words = (word for word in shlex.split(line) if word not in {"...", "…"})
    if name in DECLARED:
        parse(DECLARED[name], [*words, "--", "true"], name)
        return
    from sandtrace.cli.group import sandtrace as group

    command = group.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    known = {option for param in command.params for option in param.opts} | {"-", "--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("block", blocks((DOCS / "reference/policy/shipped.md").read_text()))
def test_a_shipped_policy_is_used_as_its_page_shows(block: Block, tmp_path: Path) -> None:
    """The command starts; what a strict policy leaves of `make` is the policy's business."""
    if block.language == "toml":
        (tmp_path / "shown.toml").write_text(block.text)
        ran = sandtrace("check", "shown.toml", cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout
        return
    (tmp_path / "Makefile").write_text("all:\n\techo made\n")
    for line in block.text.splitlines():
        assert line.startswith("sandtrace run ")
        ran = sandtrace(*shlex.split(line)[1:], cwd=tmp_path)
        assert ran.returncode in {0, 2, 120, 126, 127} or ran.returncode > 128, ran.stderr


def test_the_programs_of_the_librarys_page(tmp_path: Path) -> None:
    """Each runs, and gives what the page says: lines, names of files, records in a queue."""
    page = blocks((DOCS / "reference/strace-library.md").read_text())
    printing, opening, queueing = (block.text for block in page if block.language == "python")

    def run(program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip

    (shown,) = (block.text for block in page if block.language == "text")
    told = re.sub(r"\d+|0x[0-9a-f]+", "N", run(printing).stderr)
    for line in shown.splitlines():
        if "write(" in line or line.startswith("PID"):
            settled = re.sub(r"\(N.*µs\)|\d+|0x[0-9a-f]+", "N", line).split(" (N")[0]
            assert settled.split(" 0x")[0][:24] in told, line
    assert re.search(r"^\d+ /\S+$", run(opening).stdout, re.MULTILINE)
    events = run(f"from sandtrace import strace\n{queueing}{DRAIN}").stdout
    assert {"SYSCALL_ENTER", "SYSCALL_EXIT", "EXIT"} <= set(re.findall(r"'(\w+)'", events))


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and a heading that it has."""
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        if anchor and other.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", other.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-")
                     for each in headings}  # fmt: skip
            assert anchor in slugs, target


def test_every_page_is_listed() -> None:
    """The site's navigation names each page once, and none that is not there."""
    listed = re.findall(
        r"^ +- (?:[\w ]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))
