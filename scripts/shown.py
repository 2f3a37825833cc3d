# SPDX-License-Identifier: GPL-2.0-or-later
"""Carry out what a page of the documentation shows, in order, and compare what it says.

A page is read as a script. A fenced block with a title is a file, written where the title says
(below ``~`` or in the folder of the page's project); in a ``console`` block each line that begins
with ``$ `` is a command and what follows is what it said, standard error included; an ``sh`` block
is a script that must end with 0. All of a page runs in one shell, so that ``cd``, variables and
``$?`` last.
``tests/docs/scenes/PAGE.sh``, where there is one, first makes what the page takes for granted.

``python scripts/shown.py PAGE...`` writes what was really said into the pages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCENES = ROOT / "tests/docs/scenes"
HOME = "/home/ada"  # whose output the pages show
PROJECT = "hello"
PATIENCE = 300  # seconds for a page
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is (or None), its text, where text begins."""

    language: str
    title: str | None
    text: str
    start: int


@dataclass
class Step:
    """One thing that the page does, what it shows of it, and what came of it."""

    script: str
    shown: str | None = None  # None: nothing is shown, and the status must be 0
    start: int = 0  # where in the page `shown` stands
    status: int = -1
    said: str = ""


@dataclass
class Played:
    """A page carried out: its steps with what they said, and the shell's own complaints."""

    steps: list[Step] = field(default_factory=list)
    troubles: str = ""


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, without the indentation that they have in a list."""
    found = []
    for match in FENCE.finditer(page):
        indent = match["indent"]
        lines = (line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        found.append(Block(match["language"], match["title"], "".join(lines), match.start("text")))
    return found


def commands(block: Block) -> list[Step]:
    """The commands of a console block, each with the output that stands below it."""
    steps: list[Step] = []
    at = block.start
    for line in block.text.splitlines(keepends=True):
        at += len(line)
        if line.startswith("$ "):
            steps.append(Step(line[2:], "", at))
        elif steps and not steps[-1].shown and steps[-1].script.endswith("\\\n"):
            steps[-1].script += line
            steps[-1].start = at
        elif steps:
            steps[-1].shown = (steps[-1].shown or "") + line
    return steps


def steps_of(page: str) -> list[Step]:
    """All that a page does."""
    steps: list[Step] = []
    for block in blocks(page):
        if block.title is not None:
            steps.append(_written(block))
        elif block.language == "console":
            steps += commands(block)
        elif block.language == "sh":
            steps.append(Step(f"(set -euo pipefail\n{block.text})"))
    return steps


def _written(block: Block) -> Step:
    """A step that writes the block to the file of its title."""
    title = str(block.title)
    where = f'"$HOME{title[1:]}"' if title.startswith("~") else f'"{title}"'
    mode = f"chmod +x {where}\n" if block.text.startswith("#!") else ""
    heredoc = f"cat > {where} <<'END OF THE BLOCK'\n{block.text}END OF THE BLOCK\n"
    return Step(f'mkdir -p "$(dirname {where})"\n{heredoc}{mode}')


def play(page: Path, folder: Path, *, program: Path | None = None) -> Played:
    """Carry a page out in ``folder``; ``sandtrace`` on its PATH is ``program``."""
    steps = steps_of(page.read_text(encoding="utf-8"))
    home = folder / "home"
    work = home / PROJECT
    state = folder / "state"
    for made in (work, state, folder / "tmp"):
        made.mkdir(parents=True)
    program = program or Path(sys.executable).with_name("sandtrace")
    scene = SCENES / page.relative_to(DOCS).with_suffix(".sh")
    script = [f". {scene} || echo the scene failed"] if scene.exists() else []
    script.append("last=0")
    for number, step in enumerate(steps):
        (state / f"{number}.sh").write_text(step.script, encoding="utf-8")
        script.append(
            f"(exit $last); . {state}/{number}.sh >{state}/{number}.out 2>&1 </dev/null; last=$?; "
            f"echo $last >{state}/{number}.status"
        )
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=work, check=False, timeout=PATIENCE, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace",
        env={
            "PATH": f"{program.parent}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8", "USER": "ada",
            "PYTHON": sys.executable, "ROOT": str(ROOT),
        },
    )  # fmt: skip
    for number, step in enumerate(steps):
        out, status = state / f"{number}.out", state / f"{number}.status"
        if status.exists():
            step.status = int(status.read_text())
            said = out.read_text(encoding="utf-8", errors="replace")
            step.said = said.replace(str(home), HOME).replace(str(folder / "tmp"), "/tmp")
    return Played(steps, ran.stdout + ran.stderr)


_SETTLED = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\[\d+\]", "[N]"),  # a pid
        (r"\b(python|perl)\d[\d.]*", r"\1N"),
        (r"\b(?:[a-z0-9_]+-linux-gnu-)?(gcc|as|ld|ar)(?:\.bfd)?(?:-\d+)?\b", r"\1"),
        (r"\S*policies/(\S+\.toml)", r"policies/\1"),
        # What a learnt policy says depends on the compiler and libraries of the machine.
        (r"\b(build(?:\.toml)?):\d+", r"\1:N"),
        (r"^sandtrace: \d+ different .* became \d+ entries", "sandtrace: N became N entries"),
        (r"\b\d+x\b", "Nx"),
        (r'"calls":\d\d?$', '"calls":few'),
    )
]


def settled(line: str) -> str:
    """A line without what differs from run to run and machine to machine."""
    for pattern, instead in _SETTLED:
        line = pattern.sub(instead, line)
    return line.rstrip()


def agrees(shown: str, said: str) -> bool:
    """Whether ``said`` is what a page shows; a line ``...`` stands for any number of lines."""
    wanted = "\n".join(settled(line) for line in shown.splitlines())
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in wanted.splitlines()
    )
    text = "".join(f"{settled(line)}\n" for line in said.splitlines())
    return re.fullmatch(pattern, text) is not None


def renewed(page: str, steps: list[Step]) -> str:
    """The page with what was said in the place of what it shows, where the two differ."""
    for step in sorted(steps, key=lambda step: -step.start):
        if step.shown is not None and not agrees(step.shown, step.said):
            page = page[: step.start] + step.said + page[step.start + len(step.shown) :]
    return page


def place() -> str | None:
    """Where a home may be made: not below a temporary folder, where builds may write anyhow."""
    for folder in ("/srv", "/var/lib", str(Path.home())):
        if os.access(folder, os.W_OK) and not folder.startswith("/tmp"):
            return folder
    return None


def main(pages: list[str]) -> None:
    """Renew the pages named, or all."""
    named = [Path(page).resolve() for page in pages] or sorted(DOCS.rglob("*.md"))
    for page in named:
        with tempfile.TemporaryDirectory(prefix="sandtrace-docs-", dir=place()) as folder:
            played = play(page, Path(folder))
            for step in played.steps:
                if step.shown is None and step.status != 0:
                    print(f"{page}: status {step.status}: {step.script}{step.said}")
            if played.troubles:
                print(f"{page}: {played.troubles}")
            text = page.read_text(encoding="utf-8")
            new = renewed(text, played.steps)
            if new != text:
                page.write_text(new, encoding="utf-8")
                print(f"{os.path.relpath(page)}: renewed")


if __name__ == "__main__":
    main(sys.argv[1:])
