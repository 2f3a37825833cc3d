# SPDX-License-Identifier: GPL-2.0-or-later
"""Put what was measured where readers find it: tables, pictures, and the numbers themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.aims import aims
from tests.bench.place import ROOT
from tests.bench.plot import draw
from tests.bench.results import ForeignError, Part, conditions, markdown, whole

BEGIN, END = "<!-- figures: begin, written by make bench -->", "<!-- figures: end -->"
PAGE = ROOT / "docs/explanation/performance.md"
PICTURES = ROOT / "docs/images"
QUICK = "**A quick round: its sizes are tiny and its figures mean nothing.**\n"


def text(parts: Sequence[Part], pictures: Sequence[str]) -> str:
    """Markdown of all of it."""
    quick = [QUICK] if any(part.quick for part in parts) else []
    out = [*quick, conditions(parts), markdown([aims(parts)])]
    out += [f"![{name}]({name})\n" for name in pictures]
    out += [markdown(part.found) for part in parts if part.found]
    missing = dict.fromkeys(line for part in parts for line in part.left_out)
    if missing:
        out.append("### Left out\n\n" + "\n".join(f"- {line}" for line in missing) + "\n")
    return "\n".join(out)


def between_marks(page: str, figures: str) -> str:
    """The page with other figures between its marks. ForeignError where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ForeignError(f"{PAGE.name}: the marks are gone: {BEGIN}, {END}")
    return f"{head}{BEGIN}\n\n{figures}\n{END}{tail}"


def write(parts: Sequence[Part], folder: Path) -> list[Path]:
    """``performance.md``, ``performance.json`` and the pictures into a folder."""
    pictures = draw(parts, folder)
    told = folder / "performance.json"
    told.write_text(json.dumps(whole(parts), indent=1) + "\n")
    page = folder / "performance.md"
    page.write_text(text(parts, [path.name for path in pictures]))
    return [page, told, *pictures]


def publish(parts: Sequence[Part]) -> list[Path]:
    """The same into the documentation: between the marks of its page, and beside it."""
    if any(part.quick for part in parts):
        sys.exit("bench: figures of a quick round are not published")
    if chosen := [part.name for part in parts if part.ways]:
        sys.exit(f"bench: not published, measured with --ways: {', '.join(chosen)}")
    pictures = draw(parts, PICTURES)
    told = PAGE.with_suffix(".json")
    told.write_text(json.dumps(whole(parts), indent=1) + "\n")
    names = [f"../images/{path.name}" for path in pictures]
    PAGE.write_text(between_marks(PAGE.read_text(), text(parts, names)))
    return [PAGE, told, *pictures]
