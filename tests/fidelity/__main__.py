# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure how far our trace is strace's: ``python -m tests.fidelity`` (``make fidelity``).

Prints one line a program as it goes, and fails where the bar is missed: 99.5 % of all lines, 97 %
of each program's, 95 % of each syscall's.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fidelity import play, report
from tests.fidelity.cases import CASES
from tests.fidelity.fleet import FLEET, Program
from tests.fidelity.measure import Measured, by_syscall, measure
from tests.fidelity.sweep import sample
from tests.fidelity.victims import can_compile, victims

OPTIONS = ("", "-y", "-yy", "-v", "-x", "-xx", "-tt", "-T", "-s 5", "-X raw", "-X verbose")
ALL, EACH, NAME = 0.995, 0.97, 0.95


PARTS = ("fleet", "victims", "played", "options")


def main() -> int:
    """0 where the bar is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.fidelity", description=__doc__)
    parser.add_argument("program", nargs="*", help="only these programs and victims")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write the page")
    parser.add_argument("--calls", type=int, default=20000, help="how many swept calls to play")
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="measure this part alone (repeatable)"
    )
    parser.add_argument(
        "--keep", metavar="FOLDER", type=Path, help="keep each part here, and use those kept before"
    )
    asked = parser.parse_args()
    if shutil.which("strace") is None:
        print("strace is not installed")
        return 2
    shm = Path("/dev/shm")
    where = Path(tempfile.mkdtemp(prefix="fidelity-", dir=shm if shm.is_dir() else None))
    where.chmod(0o755)
    try:
        return _measure(asked, where)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def _measure(asked: argparse.Namespace, where: Path) -> int:
    found = report.Report()
    made = where / "programs"
    made.mkdir()
    steps: dict[str, Callable[[], None]] = {
        "fleet": lambda: _fleet(found, asked.program, where / "w"),
        "victims": lambda: _victims(found, asked.program, made, where / "w"),
        "played": lambda: _play(found, asked.calls, made),
        "options": lambda: _by_option(found, asked.calls // 4, made, where / "w"),
    }
    wanted = asked.part or (PARTS if not asked.program else PARTS[:2])
    for part in PARTS:
        if part in wanted:
            steps[part]()
            if asked.keep is not None:
                asked.keep.mkdir(exist_ok=True)
                (asked.keep / part).write_bytes(pickle.dumps(found.part(part)))
        elif asked.keep is not None and (asked.keep / part).exists():
            found.take(pickle.loads((asked.keep / part).read_bytes()))
    if asked.write is not None:
        asked.write.write_text(report.write(found), encoding="utf-8")
    return _judge(found)


def _fleet(found: report.Report, only: Sequence[str], folder: Path) -> None:
    for program in FLEET:
        if only and program.name not in only:
            continue
        if program.missing:
            found.left_out.append(program.name)
        else:
            found.fleet.append(_one(program, folder))


def _victims(found: report.Report, only: Sequence[str], made: Path, folder: Path) -> None:
    if not can_compile():
        return
    for program in victims(made):
        if not only or program.name in only:
            try:
                found.victims.append(_one(program, folder))
            except subprocess.TimeoutExpired:  # it goes on until it is told to stop
                found.left_out.append(program.name)


def _one(program: Program, folder: Path) -> Measured:
    got = measure(program, folder)
    kind = "  by chance: form" if got.by_chance else ""
    print(
        f"{got.program:20} {got.lines:6} lines  strace {got.itself.score:8.3%}"
        f"  sandtrace {got.score:8.3%}{kind}", flush=True,
    )  # fmt: skip
    return got


def _play(found: report.Report, count: int, made: Path) -> None:
    laid, calls = play.swept()
    chosen = sample(calls, count)
    for errno, said in ((22, "each argument, failing"), (0, "each argument, succeeding")):
        found.played[said] = play.play(laid, chosen, errno, made)
        print(f"played: {said}", flush=True)
    for name in CASES:
        laid, calls = play.family(name)
        for errno, said in ((22, "failing"), (0, "succeeding")):
            chosen = sample(calls, count // 10)
            found.played[f"{name}, {said}"] = play.play(laid, chosen, errno, made)
        print(f"played: {name}", flush=True)


def _by_option(found: report.Report, count: int, made: Path, folder: Path) -> None:
    laid, calls = play.swept()
    chosen = sample(calls, count, seed=3)
    steady = [program for program in victims(made) if program.name.startswith("decode/")]
    for option in OPTIONS:
        words = option.split()
        if option not in {"-tt", "-T"}:  # times stand before and behind what they do not change
            found.options[option] = play.play(laid, chosen, 22, made, words)
        scores = [measure(program, folder, words) for program in steady]
        found.option_scores[option] = report.counted(scores)
        print(f"with {option or 'no option'}", flush=True)


def _judge(found: report.Report) -> int:
    both = [*found.fleet, *found.victims]
    same, total = report.counted(both)
    print(f"{len(both)} programs, {total} lines, {report.percent(same, total)} reproduced")
    low = [f"{one.program} {one.score:.2%}" for one in both if one.score < EACH]
    names = [
        f"{name} {ours}/{seen}"
        for name, (seen, ours) in by_syscall(both).items()
        if ours < NAME * seen
    ]
    for what, missed in (("programs", low), ("syscalls", names)):
        if missed:
            print(f"{what} below the bar: {', '.join(missed)}")
    return 0 if same >= ALL * total and not low and not names else 1


if __name__ == "__main__":
    sys.exit(main())
