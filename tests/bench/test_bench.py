# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark measures what it says, and each of its parts still runs."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import machine, plot, publish, scale
from tests.bench.aims import aims
from tests.bench.interleaved import LEAST, Comparison, Figure, Way, figure, measure, shown, spread
from tests.bench.parts import PARTS, measured
from tests.bench.place import ROOT, Place, make_place
from tests.bench.results import ForeignError, Listing, Part, markdown, restore, store, whole

MACHINE = {"date": "2026-01-01", "sandtrace": "0, commit 0"}
# What takes longest even so, and is of the same kind as others.
LONG = {"build-j1", "pip", "npm", "pytest"}
PARTS_AS_TESTS = [
    pytest.param(name, marks=[pytest.mark.soak] if name in LONG else []) for name in PARTS
]
SOME = r"net-off|no-secrets$|sandtrace strace|limit|^strace -f$"


def made(name: str, ratio: float, *, shows: str = "ratio", family: str = "sandtrace") -> Figure:
    """A figure of one round, beside a way of one second."""
    held = (ratio, ratio, ratio)
    above = (ratio - 1, ratio - 1, ratio - 1)
    del shows
    return Figure(name, family, ratio, held, above, None, (ratio,))


def part(name: str, *found: Comparison | Listing, quick: bool = False) -> Part:
    """A part as it is after it was measured."""
    return Part(name, MACHINE, 1, quick, 1.0, found)


def bench(*arguments: str, patience: float = 60) -> subprocess.CompletedProcess[str]:
    """``make bench ARGS="..."``."""
    return subprocess.run(
        [sys.executable, "tests/bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=patience,
    )


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A place with both programs."""
    with make_place(1, quick=True, ways="") as made_place:
        yield made_place


class TestComparing:
    """Ways are compared within rounds."""

    def test_ratio_of_the_same_round(self) -> None:
        """A round in which the machine was slow for both changes no ratio."""
        first = Way("native", [], "native", [1.0, 10.0, 1.0], [1.0, 10.0, 1.0])
        other = Way("twice", [], "other", [2.0, 20.0, 2.0], [3.0, 30.0, 3.0])
        found = figure(other, first)
        assert found.ratio == (2.0, 2.0, 2.0)
        assert found.cpu == 3.0
        assert found.above[1] == 1.0

    def test_spread(self) -> None:
        """Quartiles, in whatever order the values come."""
        assert spread([5, 1, 4, 2, 3, 8, 7, 6]) == (3, 4.5, 6)

    def test_every_way_in_every_round(self, tmp_path: Path) -> None:
        """Each round runs all once, after a renewal; the round that warms caches is not counted."""
        renewed: list[int] = []
        found = measure(
            [Way("native", [], "native"), Way("env", ["env"], "other")],
            ["sh", "-c", "echo run >>runs; echo 0.5"],
            cwd=str(tmp_path),
            environ={"PATH": "/usr/bin:/bin"},
            rounds=3,
            renew=lambda: renewed.append(1),
            reading=float,
        )
        assert (tmp_path / "runs").read_text().count("run") == len(renewed) == 8
        assert [one.samples for one in found.figures] == [(0.5,) * 3] * 2

    def test_lack_of_time(self, tmp_path: Path) -> None:
        """Past its deadline a comparison has the fewest rounds that have quartiles."""
        native = [Way("native", [], "native")]
        found = measure(native, ["true"], cwd=str(tmp_path), environ={}, rounds=9, deadline=0)
        assert len(found.figures[0].samples) == LEAST

    def test_peer_that_fails(self, tmp_path: Path) -> None:
        """A peer that cannot do the work is left out and named, the others are compared."""
        ways = [Way("native", [], "native"), Way("broken", ["false"], "other")]
        found = measure(ways, ["true"], cwd=str(tmp_path), environ={}, rounds=1)
        assert found.left_out == ("broken",)
        assert [one.name for one in found.figures] == ["native"]

    def test_sandtrace_that_fails(self, tmp_path: Path) -> None:
        """A failure of sandtrace itself is never left out silently."""
        ways = [Way("native", [], "native"), Way("sandtrace run", ["false"])]
        with pytest.raises(SystemExit, match="sandtrace run: ended with 1"):
            measure(ways, ["true"], cwd=str(tmp_path), environ={}, rounds=1)

    def test_shown_without_paths(self) -> None:
        """What is published names programs, and no folder of the machine."""
        assert shown(["/home/me/venv/bin/python", "-m", "pip"]) == "python -m pip"


class TestPrograms:
    """The compiled programs do what is measured."""

    @pytest.mark.parametrize("loop", ["openat", "getppid", "stat", "connect", "exec"])
    def test_loop_tells_its_time(self, place: Place, loop: str) -> None:
        """A loop prints the microseconds of one round, and lasts as long as it was told to."""
        done = subprocess.check_output([place.loops, loop, "0.05"], timeout=30)
        assert 0 < float(done) < 1e6

    def test_no_sleeper_is_left(self, place: Place) -> None:
        """The sleeping tasks are alive while it waits, and gone when it ends."""
        command = [str(place.loops), "tasks", "7"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
            pids = children.read_text().split()
            running.communicate("\n", timeout=30)
        assert len(pids) == 7
        assert not any(Path("/proc", pid).exists() for pid in pids)

    @pytest.mark.parametrize("stops", [(), ("257",), ("all",)])
    def test_limit_is_transparent(self, place: Place, stops: tuple[str, ...]) -> None:
        """The minimal tracer gives the command's status, whatever it stops."""
        if place.limit is None:
            pytest.skip("its numbers are x86_64's")
        command = [str(place.limit), *stops, "--", "sh", "-c", "cat /dev/null; (exit 3) || exit 7"]
        assert subprocess.run(command, check=False, timeout=30).returncode == 7


class TestResults:
    """What was measured is kept, shown and published as it was."""

    def test_restored_as_stored(self, tmp_path: Path) -> None:
        """A part reads back equal."""
        compared = Comparison("t", "make", "ratio", (made("native", 1.0), made("x", 2.0)), ("y",))
        listing = Listing("l", ("a", "b"), (("1", "2"),), {"n": 1.5})
        stored = part("build", compared, listing)
        assert restore(store(stored, tmp_path)) == stored

    def test_foreign_file(self, tmp_path: Path) -> None:
        """A file that is none of the benchmark's is named."""
        path = tmp_path / "build.json"
        for text in ('{"a": 1}', "[]", "{"):
            path.write_text(text)
            with pytest.raises(ForeignError, match=r"build\.json"):
                restore(path)

    def test_page_is_kept(self) -> None:
        """Only what lies between the marks is written anew; without them nothing is."""
        page = f"head\n{publish.BEGIN}\nold\n{publish.END}\ntail\n"
        new = publish.between_marks(page, "new\n")
        assert new == f"head\n{publish.BEGIN}\n\nnew\n\n{publish.END}\ntail\n"
        with pytest.raises(ForeignError, match="marks"):
            publish.between_marks("nothing", "new\n")
        assert publish.between_marks(publish.PAGE.read_text(), "new")

    def test_quick_is_not_published(self) -> None:
        """Figures of tiny sizes don't get into the documentation."""
        with pytest.raises(SystemExit, match="quick"):
            publish.publish([part("build", quick=True)])

    def test_published(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page holds conditions, aims and tables; numbers lie beside it; twice is as once."""
        page = tmp_path / "performance.md"
        page.write_text(f"# Performance\n\n{publish.BEGIN}\n{publish.END}\n")
        monkeypatch.setattr(publish, "PAGE", page)
        monkeypatch.setattr(publish, "PICTURES", tmp_path / "images")
        compared = Comparison("make of it", "make", "ratio", (made("native", 1.0), made("x", 2.0)))
        parts = [part("build", compared)]
        publish.publish(parts)
        text = page.read_text()
        for wanted in ("commit 0", "### Aims", "### make of it", "| x | 2.000 | 2.00 |"):
            assert wanted in text
        assert json.loads(page.with_suffix(".json").read_text()) == json.loads(
            json.dumps(whole(parts))
        )
        publish.publish(parts)
        assert page.read_text() == text

    def test_aims_tell_what_they_missed(self) -> None:
        """A miss is shown as one, a hit as one, and what was not measured as that."""
        figures = (
            made("native", 1.0, family="native"),
            made("limit in C: processes only", 1.0, family="limit"),
            made("sandtrace run, net-off", 1.07),
        )
        rows = aims([part("build", Comparison("make", "make", "ratio", figures))]).rows
        assert rows[0][1:] == ("at most 1.05", "1.07", "**no**")
        assert rows[1][1:] == ("at most 1.10", "1.07", "yes")
        assert rows[-1][2] == "not measured"

    def test_matrix(self) -> None:
        """Loops share a table; a way that one of them lacks has a dash there."""
        first, other = made("native", 1e-6), made("x", 1.0)
        loops = [
            Comparison("stat", "", "above", (first, other)),
            Comparison("exec", "", "above", (first,)),
        ]
        text = markdown(loops)
        assert "| | stat | exec |" in text.replace("|  |", "| |")
        assert "| x | 0.0 (0.0 to 0.0) | - |" in text

    def test_pictures(self, tmp_path: Path) -> None:
        """A picture names every way, and the same figures make the same file."""
        pytest.importorskip("matplotlib")
        figures = (made("native", 1.0), made("less", 0.5), made("<more> & most", 40.0))
        parts = [part("build", Comparison("make", "make", "ratio", figures))]
        (path,) = plot.draw(parts, tmp_path)
        text = path.read_text()
        assert "<more> & most" in "".join(ET.fromstring(text).itertext())
        plot.draw(parts, tmp_path)
        assert path.read_text() == text


class TestCommand:
    """``make bench``."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["biuld"], "no such part: biuld; there are startup, "),
            (["--rounds", "0"], "--rounds: at least 1"),
            (["--ways", "("], "no regular expression"),
        ],
    )
    def test_bad_arguments(self, arguments: list[str], said: str) -> None:
        """One message, no traceback."""
        done = bench(*arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_bad_length(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """A length of the long trace that is none is told before anything is measured."""
        monkeypatch.setenv(scale.CALLS, "10M")
        with pytest.raises(SystemExit, match="SANDTRACE_BENCH_CALLS='10M'"):
            scale.compare(place)

    @pytest.mark.slow
    @pytest.mark.timeout(400)
    @pytest.mark.parametrize("name", PARTS_AS_TESTS)
    def test_part_runs(self, name: str, tmp_path: Path) -> None:
        """Each part runs, keeps its figures and is shown; another time it is not measured again."""
        done = bench(name, "--quick", "--ways", SOME, "--out", str(tmp_path), patience=300)
        assert done.returncode == 0, done.stderr
        told = json.loads((tmp_path / f"{name}.json").read_text())
        if not told["found"]:
            pytest.skip(f"{told['left_out']}")
        assert f"## {name} (1 rounds" in done.stdout
        page = (tmp_path / "performance.md").read_text()
        assert all(one["title"] in page for one in told["found"] if one.get("shows") != "above")
        assert str(tmp_path) not in page
        assert json.loads((tmp_path / "performance.json").read_text())["parts"] == [told]

    @pytest.mark.soak
    @pytest.mark.timeout(1200)
    @pytest.mark.parametrize("name", PARTS)
    def test_part_with_all_peers(self, name: str, tmp_path: Path) -> None:
        """Each part runs with every peer that is installed; none but those is left out."""
        done = bench(name, "--quick", "--out", str(tmp_path), patience=900)
        assert done.returncode == 0, done.stderr
        assert restore(tmp_path / f"{name}.json").found

    def test_resumed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """``--resume`` leaves alone what was measured of this commit, and measures it of others."""
        monkeypatch.setattr(machine, "ours", lambda: "0, commit 0")
        path = store(Part("engine", MACHINE, 5, quick=False, seconds=1.0, found=()), tmp_path)
        assert measured(path, 5)
        assert not measured(path, 6)
        assert not measured(tmp_path / "micro.json", 5)
        monkeypatch.setattr(machine, "ours", lambda: "0, commit 1")
        assert not measured(path, 5)
