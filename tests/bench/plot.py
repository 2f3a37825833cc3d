# SPDX-License-Identifier: GPL-2.0-or-later
"""Bars of what was measured, as SVG. Needs matplotlib (``pip install 'sandtrace[bench]'``)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.bench.interleaved import Comparison, Figure
from tests.bench.results import Part

COLOURS = {
    "native": "#8c8c8c",
    "limit": "#c9c9c9",
    "sandtrace": "#0f766e",
    "strace": "#d97706",
    "other": "#6d7fb3",
}
SCALES = {"ratio": 1.0, "above": 1e6, "start": 1e3}
AXES = {
    "ratio": "times native (log)",
    "above": "µs more than native, one round (log)",
    "start": "ms more than native (log)",
}
PICTURES = {"real": ("ratio",), "micro": ("above",), "startup": ("start",)}


def library() -> ModuleType | None:
    """matplotlib's pyplot, drawing without a screen; None where it is not installed."""
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ImportError:
        return None
    matplotlib.use("svg")
    # The same figures make the same file: ids are made from this salt, not at random.
    # Text stays text: it can be searched and read aloud, and the files are small.
    settings = {"svg.hashsalt": "sandtrace", "svg.fonttype": "none", "font.size": 8}
    matplotlib.rcParams.update(settings)
    return importlib.import_module("matplotlib.pyplot")


def draw(parts: Sequence[Part], folder: Path) -> list[Path]:
    """One picture of each kind that was measured; none without matplotlib."""
    pyplot = library()
    if pyplot is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, kinds in PICTURES.items():
        found = [
            one
            for part in parts
            for one in part.found
            if isinstance(one, Comparison) and one.shows in kinds and part.name != "scale"
        ]
        if found:
            path = folder / f"performance-{name}.svg"
            _picture(pyplot, found, path)
            made.append(path)
    return made


def values(figure: Figure, shows: str) -> tuple[float, float, float]:
    """What the bar and its whiskers show: low, median, high."""
    scale = SCALES[shows]
    low, middle, high = figure.ratio if shows == "ratio" else figure.above
    return low * scale, middle * scale, high * scale


def _picture(pyplot: ModuleType, found: Sequence[Comparison], path: Path) -> None:
    rows = max(len(one.figures) for one in found)
    across = min(2, len(found))
    down = -(-len(found) // across)
    size = (5.6 * across, (0.21 * rows + 0.9) * down)
    picture, axes = pyplot.subplots(down, across, figsize=size, squeeze=False)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis, one in zip(axes.flat, found, strict=False):
        _panel(axis, one)
    picture.tight_layout()
    # White, so that it can be read in dark and light pages alike; no date, so that it is the same.
    picture.savefig(path, facecolor="white", metadata={"Date": None})
    pyplot.close(picture)


def _panel(axis: object, one: Comparison) -> None:
    """Horizontal bars on a logarithmic axis, with their medians written at the end."""
    shown = [figure for figure in one.figures if figure is not one.figures[0]]
    told = [values(figure, one.shows) for figure in shown]
    # A logarithmic axis begins above zero; what costs less than it can show is a bar of no length.
    floor = 1.0 if one.shows == "ratio" else min([0.1, *(m for _, m, _ in told if m > 0)])
    medians = [max(middle, floor) for _, middle, _ in told]
    whiskers = [
        [
            middle - max(min(low, middle), floor)
            for (low, _, _), middle in zip(told, medians, strict=True)
        ],
        [max(high - middle, 0) for (_, _, high), middle in zip(told, medians, strict=True)],
    ]
    places = range(len(shown))
    draw_on: ModuleType = axis  # type: ignore[assignment]  # matplotlib is imported by name only
    draw_on.barh(
        places,
        [middle - floor for middle in medians],
        left=floor,
        xerr=whiskers,
        color=[COLOURS[figure.family] for figure in shown],
        error_kw={"elinewidth": 0.8, "capsize": 1.5, "ecolor": "#333333"},
    )
    draw_on.set_xscale("log")
    draw_on.set_yticks(places, [figure.name for figure in shown])
    draw_on.invert_yaxis()
    draw_on.set_title(one.title, fontsize=9, loc="left")
    draw_on.set_xlabel(AXES[one.shows])
    draw_on.spines[["top", "right"]].set_visible(False)
    right = max([floor * 2, *(high for _, _, high in told)])
    draw_on.set_xlim(floor * 0.97, right * 2.2)
    steps = (1, 2, 5) if right < floor * 500 else (1,)
    ticks = [step * 10**power for power in range(-1, 7) for step in steps]
    shown_ticks = [tick for tick in ticks if floor <= tick <= right * 2.2]
    draw_on.set_xticks(shown_ticks, [f"{tick:g}" for tick in shown_ticks])
    draw_on.minorticks_off()
    for place, (_, middle, high) in zip(places, told, strict=True):
        text = f"{middle:.2f}" if one.shows == "ratio" else f"{middle:.1f}"
        at = (max(high, middle, floor), place)
        draw_on.annotate(text, at, (4, 0), textcoords="offset points", va="center", fontsize=7)
