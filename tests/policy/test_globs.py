# SPDX-License-Identifier: GPL-2.0-or-later
"""Wildcards and braces, against bash."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.policy.globs import Glob, component, expand_braces
from sandtrace.policy.paths import parse, reach
from sandtrace.policy.surroundings import TargetError
from tests.harness.examples import examples
from tests.policy.made import world

BASH = shutil.which("bash")
PREFIX = "shopt -s globstar dotglob; shopt -u extglob; set -f; LC_ALL=C; "


def bash(script: str, *words: str, folder: str | None = None) -> list[str]:
    """What bash prints for a script that ends each word with a NUL."""
    if BASH is None:
        pytest.skip("no bash")
    done = subprocess.run(
        [BASH, "--norc", "-c", PREFIX + script, "bash", *words],
        capture_output=True, timeout=20, check=True, cwd=folder,
    )  # fmt: skip
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


NAMES = st.text("ab.-]!^Zz[*?\\", min_size=1, max_size=6).filter(
    lambda name: name not in {".", ".."}
)
PIECES = st.sampled_from(
    ["a", "b", ".", "-", "*", "?", "[ab]", "[a-z]", "[!a]", "[^b]", "[]a]", "[!]]", "[a-]",
     "[[:alpha:]]", "[![:upper:]b]", "\\*", "\\[", "\\\\", "\\a", "Z", "]", "^", "!"]
)  # fmt: skip


@examples(40)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=5).map("".join), min_size=20, max_size=20),
       st.lists(NAMES, min_size=20, max_size=20))  # fmt: skip
def test_components_agree_with_bash(globs: list[str], names: list[str]) -> None:
    """P23: a wildcard matches a name if and only if bash says so."""
    words = [word for glob, name in zip(globs, names, strict=True) for word in (glob, name)]
    script = (
        "while (( $# )); do if [[ $2 == $1 ]]; then printf 'y\\0'; else printf 'n\\0'; fi;"
        " shift 2; done"
    )
    for glob, name, said in zip(globs, names, bash(script, *words), strict=True):
        pattern = component(glob)
        ours = pattern.matches(name) if isinstance(pattern, Glob) else pattern == name
        assert ours == (said == "y"), (glob, name)


@examples(30)
@given(st.lists(st.recursive(
    st.sampled_from(["a", "b", "", "c.", "\\{", "\\,"]),
    lambda inner: st.lists(inner, min_size=2, max_size=3).map(
        lambda parts: "{" + ",".join(parts) + "}")
    | st.tuples(inner, inner).map("".join),
    max_leaves=6), min_size=10, max_size=10))  # fmt: skip
def test_braces_agree_with_bash(texts: list[str]) -> None:
    """P22: braces stand for what bash expands them to, in its order."""
    for text in texts:
        script = f"printf '%s\\0' x{text} x{{1..3}} x{{c..a}} x{{08..10}}"
        ours = [word.replace("\\", "") for word in expand_braces(f"x{text}")]
        assert [*ours, "x1", "x2", "x3", "xc", "xb", "xa", "x08", "x09", "x10"] == bash(script)


def test_paths_agree_with_bash(tmp_path: Path) -> None:
    """P23, P24: before the beneath-rule, a pattern matches the paths that bash expands it to."""
    for name in ("a/b/c", "a/.b/c", "b/a", "ab", ".a/x", "a/b/a/b", "c/c.c"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    every = sorted(str(path) for path in tmp_path.rglob("*"))
    globs = ["*", "?", "a/*", "**/b", "a/**", "**/*", "a/**/c", "**/a/**/b", "[ab]*", ".*",
             "**/.b/*", "c/*.c", "{a,b}/*", "**/{a,c}", "?/??", "a/?b/c", "**/b/**"]  # fmt: skip
    for glob in globs:
        script = "set +f; shopt -s nullglob; printf '%s\\0' " + f"{tmp_path}/{glob}"
        said = {word.rstrip("/") for word in bash(script)} - {str(tmp_path), ""}
        patterns = parse(f"{tmp_path}/{glob}", world())
        ours = {
            path
            for path in every
            if any(_exactly(pattern.parts, path.split("/")[1:]) for pattern in patterns)
        }
        assert ours == said, glob


def _exactly(parts: tuple[str | Glob | None, ...], names: list[str]) -> bool:
    """The pattern names this path itself: it does not match anything shorter on the way only."""
    states = {0}
    for name in [*names, ""]:
        grown = set(states)
        for state in states:
            while state < len(parts) and parts[state] is None:
                state += 1  # noqa: PLW2901
                grown.add(state)
        if name == "":
            return len(parts) in grown
        states = set()
        for state in grown - {len(parts)}:
            part = parts[state]
            if part is None:
                states.add(state)
            elif part == name if isinstance(part, str) else part.matches(name):
                states.add(state + 1)
    return False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a[b", "that no ] closes"),
        ("[z-a]", "is empty"),
        ("[[:word", "is no class"),
        ("[[:nothing:]]", "is no class"),
        ("[[.a.]]", "not supported"),
        ("a\\", "escapes nothing"),
    ],
)
def test_wrong_components(text: str, message: str) -> None:
    """A wildcard that bash would take literally by mistake is an error."""
    with pytest.raises(TargetError, match=message.replace("[", r"\[")):
        component(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{a", "no } closes"),
        ("a}", "no { opens"),
        ("{a}", "one alternative"),
        ("{}", "one alternative"),
        ("{1..9999999}", "more than"),
        ("{a..3}", "mixes"),
        ("{a,b}" * 20, "more than"),
        ("{1..500}{1..500}", "more than"),
    ],
)
def test_wrong_braces(text: str, message: str) -> None:
    """Braces that stand for nothing, or for far too much, are an error."""
    with pytest.raises(TargetError, match=message):
        expand_braces(text)


def test_no_hostile_name_takes_long() -> None:
    """A name made to be hard to match takes no more time than its length says."""
    glob = Glob("*a*a*a*a*a*a*a*a*b")
    parts = parse("**/a/**/a/**/a/**/a/**/b", world())[0].parts
    start = time.perf_counter()
    assert not glob.matches("a" * 255)
    assert reach(parts, ["a"] * 2000) is None
    assert time.perf_counter() - start < 1
