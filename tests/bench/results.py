# SPDX-License-Identifier: GPL-2.0-or-later
"""What a part of the benchmark found: kept as JSON, one file a part, and shown as Markdown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.interleaved import Comparison, Figure


@dataclass(frozen=True, slots=True)
class Listing:
    """Figures that are no comparison of times: a table as it is shown, and the numbers in it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: dict[str, float] = dataclasses.field(default_factory=dict)


class ForeignError(ValueError):
    """A file that this benchmark did not write, or no longer knows."""


Found = Comparison | Listing
SMALL = 0.002  # seconds: below, times are of a loop


@dataclass(frozen=True, slots=True)
class Part:
    """A part's findings, when and where they were made, and whom it had to leave out.

    ``seconds`` that it took; ``ways``: the expression that chose whom to compare, all if empty.
    """

    name: str
    machine: dict[str, str]
    rounds: int
    quick: bool
    seconds: float
    found: tuple[Found, ...]
    left_out: tuple[str, ...] = ()
    ways: str = ""


def store(part: Part, folder: Path) -> Path:
    """Write ``folder/NAME.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part.name}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(dataclasses.asdict(part), indent=1) + "\n")
    new.replace(path)
    return path


def restore(path: Path) -> Part:
    """What `store` wrote. ForeignError where it is something else."""
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        found = tuple(_found(one) for one in told.pop("found"))
        return Part(**{**told, "found": found, "left_out": tuple(told["left_out"])})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ForeignError(f"{path}: not this benchmark's: {error!r}") from None


def _found(told: dict[str, Any]) -> Found:
    if "figures" in told:
        figures = [_figure(one) for one in told["figures"]]
        return Comparison(
            **{**told, "figures": tuple(figures), "left_out": tuple(told["left_out"])}
        )
    rows = tuple(tuple(row) for row in told["rows"])
    return Listing(told["title"], tuple(told["columns"]), rows, told["numbers"])


def _figure(told: dict[str, Any]) -> Figure:
    listed = {key: tuple(told[key]) for key in ("ratio", "above", "samples")}
    return Figure(**{**told, **listed})


def markdown(found: Sequence[Found]) -> str:
    """All of them; comparisons of "above" share one table, a column each."""
    loops = [one for one in found if isinstance(one, Comparison) and one.shows == "above"]
    parts = [_matrix(loops)] if loops else []
    for one in found:
        if isinstance(one, Listing):
            parts.append(f"### {one.title}\n\n{_table(one.columns, one.rows)}")
        elif one.shows == "start":
            parts.append(_start(one))
        elif one.shows == "ratio":
            parts.append(_ratios(one))
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _ratios(one: Comparison) -> str:
    timed = all(figure.cpu is not None for figure in one.figures)
    unit = "seconds" if one.figures[0].seconds > SMALL else "µs"
    columns = ["", unit, f"times {one.figures[0].name}", "quartiles"]
    rows = [
        [
            figure.name,
            f"{figure.seconds:.3f}" if unit == "seconds" else f"{figure.seconds * 1e6:.1f}",
            f"{figure.ratio[1]:.2f}",
            f"{figure.ratio[0]:.2f} to {figure.ratio[2]:.2f}",
            *([f"{figure.cpu:.2f}"] if timed else []),
        ]
        for figure in one.figures
    ]
    columns += ["processor time, times"] if timed else []
    return f"{_heading(one)}{_table(columns, rows)}"


def _heading(one: Comparison) -> str:
    command = f"`{one.command}`, " if one.command else ""
    rounds = len(one.figures[0].samples)
    return f"### {one.title}\n\n{command}{rounds} round{'s' if rounds > 1 else ''}\n\n"


def _start(one: Comparison) -> str:
    columns = ("", "milliseconds", f"more than {one.figures[0].name}", "quartiles")
    rows = []
    for figure in one.figures:
        low, middle, high = (value * 1e3 for value in figure.above)
        whole = f"{figure.seconds * 1e3:.1f}"
        rows.append((figure.name, whole, f"{middle:.1f}", f"{low:.1f} to {high:.1f}"))
    return f"{_heading(one)}{_table(columns, rows)}"


def _matrix(loops: Sequence[Comparison]) -> str:
    """Microseconds of one round of a loop: the first way's own, and what others add to it."""
    names = dict.fromkeys(figure.name for one in loops for figure in one.figures)
    held = [{figure.name: figure for figure in one.figures} for one in loops]
    rows = [
        (name, *(_cell(found.get(name), first=not at) for found in held))
        for at, name in enumerate(names)
    ]
    title = "Microseconds that one round of a loop takes more than natively (quartiles)"
    return f"### {title}\n\n{_table(('', *(one.title for one in loops)), rows)}"


def _cell(figure: Figure | None, *, first: bool) -> str:
    if figure is None:
        return "-"
    if first:
        return f"(takes {figure.seconds * 1e6:.1f})"
    low, middle, high = (value * 1e6 for value in figure.above)
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def conditions(parts: Sequence[Part]) -> str:
    """Where and when: one table, since all parts should be of one machine and commit."""
    facts: dict[str, dict[str, None]] = {}
    for part in parts:
        for key, value in part.machine.items():
            facts.setdefault(key, {})[value] = None
    facts["rounds wanted"] = dict.fromkeys(str(part.rounds) for part in parts)
    rows = [(key, "; ".join(values)) for key, values in facts.items()]
    return _table(("where and when", ""), rows)


def whole(parts: Sequence[Part]) -> Mapping[str, Any]:
    """One JSON object of all parts."""
    return {"v": 1, "parts": [dataclasses.asdict(part) for part in parts]}
