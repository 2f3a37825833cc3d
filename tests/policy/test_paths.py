# SPDX-License-Identifier: GPL-2.0-or-later
"""The path language."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.errors import PolicyError
from sandtrace.policy.load import load
from sandtrace.policy.path_index import PathIndex
from sandtrace.policy.paths import PathPattern, parse
from sandtrace.policy.surroundings import Surroundings, TargetError
from tests.harness.examples import examples
from tests.policy.made import policy, verdict, world


def covers(
    pattern: str, target: str, *, is_dir: bool | None = None, cwd: str = "/work/dir"
) -> bool:
    """One of the forms of the pattern matches the target."""
    return any(one.matches(target, is_dir=is_dir) for one in parse(pattern, world(cwd)))


@pytest.mark.parametrize(
    ("pattern", "target", "expected"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b/c", True),
        ("/a", "/ab", False),
        ("/a/b", "/a", False),
        ("/", "/", True),
        ("/", "/x/y", True),
        ("/a/*", "/a", False),
        ("/a/*", "/a/.hidden", True),
        ("/a/*.c", "/a/x.c/beneath", True),
        ("/a/**", "/a", True),
        ("/a/**/b", "/a/b", True),
        ("/a/**/b", "/a/x/y/b/z", True),
        ("/a/**/b", "/a/x/y/bb", False),
        ("**/.env", "/deep/down/.env", True),
        ("**/.env", "/.env", True),
        ("**", "/", True),
        ("x/y", "/work/dir/x/y", True),
        ("./x", "/work/dir/x", True),
        ("../x", "/work/x", True),
        (".", "/work/dir/anything", True),
        ("/a//b/./c/", "/a/b/c/d", True),
        ("/a\\*", "/a*", True),
        ("/a\\*", "/ab", False),
        ("/{a,b/{c,d}}", "/b/d/e", True),
        ("/with\nline", "/with\nline", True),
        ("/*\udcff", "/x\udcff", True),
    ],
)
def test_covers(pattern: str, target: str, expected: bool) -> None:
    """P21, P24, P25: absolute or from the working directory; ``**``; all that lies beneath."""
    assert covers(pattern, target) is expected


def test_trailing_slash() -> None:
    """P25: with a slash at its end a pattern matches directories and what is beneath only."""
    assert covers("/a/b/", "/a/b", is_dir=True)
    assert not covers("/a/b/", "/a/b", is_dir=False)
    assert covers("/a/b/", "/a/b/c", is_dir=False)
    denying = policy('[read]\ndeny = ["/a/b/"]\n')
    allowing = policy('[read]\ndefault = "deny"\nallow = ["/a/b/"]\n')
    assert verdict(denying, "read", "/a/b", is_dir=None) == "deny"  # not known: the safe side
    assert verdict(allowing, "read", "/a/b", is_dir=None) == "deny"
    assert verdict(allowing, "read", "/a/b", is_dir=True) == "allow"
    assert verdict(denying, "read", "/a/b", is_dir=False) == "allow"


def test_resolved_forms() -> None:
    """P26: what was written matches, and the name where it lies, and what it reaches."""
    links = {"/bin": "usr/bin", "/usr/bin/sh": "dash", "/var/run": "/run"}
    around = world(links=links)
    texts = [one.text for one in parse("/bin/sh", around)]
    assert texts == ["/bin/sh", "/usr/bin/sh", "/usr/bin/dash"]
    assert [one.text for one in parse("/var/run/*.sock", around)] == [
        "/var/run/*.sock",
        "/run/*.sock",
    ]
    assert parse("/bin/../bin/sh", around)[0].text == "/bin/../bin/sh"
    assert any(one.matches("/usr/bin/dash", is_dir=None) for one in parse("/bin/../bin/sh", around))
    circle = world(links={"/x": "/y", "/y": "/x"})
    assert parse("/x/z", circle)[0].matches("/x/z", is_dir=None)


def test_real_links(tmp_path: Path) -> None:
    """P26: the links are those of the file system."""
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    found = parse(f"{tmp_path}/link/file", Surroundings(str(tmp_path)))
    real = (tmp_path / "target").resolve()
    assert any(one.matches(f"{real}/file", is_dir=None) for one in found)


def test_proc_self() -> None:
    """P27: /proc/self is the calling task's own, and a numbered process all the same."""
    assert covers("/proc/self/environ", "/proc/self/environ")
    assert not covers("/proc/self/environ", "/proc/12/environ")
    assert covers("/proc/[0-9]*/environ", "/proc/self/environ")
    assert covers("/proc/*/environ", "/proc/12/environ")
    loaded = policy('[read]\ndefault = "deny"\nallow = ["/proc/self"]\ndeny = ["/proc/*/mem"]\n')
    assert verdict(loaded, "read", "/proc/12/status", pid=12) == "allow"
    assert verdict(loaded, "read", "/proc/12/status", pid=1) == "deny"
    assert verdict(loaded, "read", "/proc/123", pid=12) == "deny"
    assert verdict(loaded, "read", "/proc/12/mem", pid=12) == "deny"
    assert covers("/proc/thread-self/mem", "/proc/self/task/12/mem")
    assert [one.text for one in parse("/dev/fd", world(links={"/dev/fd": "/proc/self/fd"}))] == [
        "/dev/fd",
        "/proc/self/fd",
    ]


def test_what_has_no_path() -> None:
    """P30: pipes, sockets and memfds need no entry but in [exec]; deleted files keep their path."""
    strict = policy('[read]\ndefault = "deny"\n[exec]\ndefault = "deny"\nallow = ["memfd:ok*"]\n')
    for target in ("pipe:", "socket:", "memfd:x", "deleted:/x"):
        assert verdict(strict, "read", target) == "allow"
    assert verdict(strict, "exec", "memfd:x") == "deny"
    assert verdict(strict, "exec", "memfd:okay") == "allow"
    assert verdict(strict, "exec", "deleted:/tmp/x") == "deny"
    denying = policy('[read]\ndeny = ["/secret", "memfd:bad"]\n')
    assert verdict(denying, "read", "deleted:/secret/key") == "deny"
    assert verdict(denying, "read", "memfd:bad") == "deny"
    assert verdict(denying, "read", "deleted:/other") == "allow"


def test_mapped_executable() -> None:
    """P31: mapping a file executable is judged by named entries, not by the default."""
    strict = policy('[exec]\ndefault = "deny"\nallow = ["/usr/bin"]\ndeny = ["/tmp"]\n')
    assert verdict(strict, "exec", "/usr/lib/libc.so.6") == "deny"
    assert verdict(strict, "exec", "/usr/lib/libc.so.6", mapped=True) == "allow"
    assert verdict(strict, "exec", "/tmp/evil.so", mapped=True) == "deny"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("x" * 5000, "longer"),
        ("/a/**.pem", "whole components"),
        ("/a/*/../b", "after a wildcard"),
        ("{,a}", "alternative is empty"),
        ("~root/x", "only ~"),
        ("deleted:x", "absolute"),
    ],
)
def test_wrong_paths(text: str, message: str) -> None:
    """A pattern that cannot mean what it seems to is an error that says why."""
    with pytest.raises(TargetError, match=message):
        parse(text, world())


def test_tilde() -> None:
    """P16: ~ is the home directory, at the beginning only, in each alternative of braces."""
    assert covers("~", "/home/user/x")
    assert covers("~/.ssh", "/home/user/.ssh/id")
    assert covers("{~/.a,~/.b}", "/home/user/.b/c")
    assert covers("/x/~", "/x/~")
    assert covers("\\~", "/work/dir/~")


# --- moves ---------------------------------------------------------------------------------------


def test_directories_above_a_denied_path() -> None:
    """P29: a directory may not move where something beneath it would no longer be denied."""
    loaded = policy(
        """
[read]
deny = [
    { target = "/home/user/.ssh/id_*", errno = "EACCES", id = "keys" },
    "**/.env",
    "/srv/**/secret",
    "**/.aws/credentials",
]
[write]
deny = [{ target = "/opt/tool", except = ["/opt/tool/cache"] }]
[connect]
deny = ["unix:/run/app/sock"]
"""
    )

    def moved(old: str, new: str | None) -> str | None:
        decision = loaded.denied_beneath(old, new)
        return decision.rule.entry if decision else None

    assert moved("/home/user/.ssh", "/home/user/ssh") == "/home/user/.ssh/id_*"
    decision = loaded.denied_beneath("/home/user", "/home/other")
    assert decision is not None
    assert (decision.verdict, decision.errno, decision.rule.id) == ("deny", "EACCES", "keys")
    assert moved("/home/user/src", "/home/user/old") is None  # **/.env matches beneath both
    assert moved("/srv/a", "/srv/b") is None
    assert moved("/srv/a", "/tmp/b") == "/srv/**/secret"
    assert moved("/home/x/.aws", "/home/x/aws") == "**/.aws/credentials"
    assert moved("/home/x", "/home/y") is None
    assert moved("/opt/tool/cache", "/opt/cache") is None  # an exception as a whole
    assert moved("/opt/tool/lib", "/opt/lib") == "/opt/tool"
    assert moved("/opt", "/opt2") == "/opt/tool"
    assert moved("/run/app", "/run/other") == "unix:/run/app/sock"
    assert moved("/home/user/.ssh", None) is not None
    assert moved("/usr/share", None) is None
    assert moved("/home/user/.aws", None) == "**/.aws/credentials"


# --- many at once --------------------------------------------------------------------------------

WORD = st.sampled_from(["a", "b", "ab", "ba", ".a", "*", "a*", "*b", "?", "a*b", "[ab]", "**"])
PATTERN = st.lists(WORD, min_size=1, max_size=4).map(lambda words: "/" + "/".join(words))
TARGET = st.lists(st.sampled_from(["a", "b", "ab", "ba", ".a", "aab", "c"]), max_size=6).map(
    lambda words: "/" + "/".join(words)
)


@examples(120)
@given(st.lists(st.tuples(PATTERN, st.booleans()), min_size=1, max_size=12), TARGET, st.booleans())
def test_index_agrees_with_single_patterns(
    texts: list[tuple[str, bool]], target: str, is_dir: bool
) -> None:
    """The tree of all patterns finds exactly those that match alone."""
    index = PathIndex()
    patterns: list[PathPattern] = []
    for text, slash in texts:
        patterns += parse(text + "/" * slash, world())
    for place, pattern in enumerate(patterns):
        index.add(pattern, place)
    found = {value for _, value, _ in index.find(target, is_dir=is_dir)}
    assert found == {
        place for place, one in enumerate(patterns) if one.matches(target, is_dir=is_dir)
    }


@examples(120)
@given(st.lists(PATTERN, min_size=1, max_size=6), TARGET, TARGET, TARGET)
def test_moves_that_pass_change_nothing(texts: list[str], old: str, new: str, beneath: str) -> None:
    """P29: where a move is not refused, what was denied beneath stays denied."""
    if old == "/" or beneath == "/" or new == "/":
        return
    listed = ", ".join(f'"{text}"' for text in dict.fromkeys(texts))
    try:
        loaded = policy(f"[read]\ndeny = [{listed}]\n")
    except PolicyError:
        return  # one pattern written in two ways
    if loaded.denied_beneath(old, new) is None:
        before = verdict(loaded, "read", old + beneath, is_dir=False)
        assert before == "allow" or verdict(loaded, "read", new + beneath, is_dir=False) == "deny"


def test_what_an_allow_leaves_out_stays_where_it_is(tmp_path: Path) -> None:
    """A directory that holds an exception of an allow is not moved away from above it."""
    text = f"""
version = 1
[write]
default = "deny"
allow = [{{ target = "{tmp_path}", except = ["{tmp_path}/.git/hooks"] }}]
"""
    file = tmp_path / "policy.toml"
    file.write_text(text)
    loaded = load([str(file)])
    refusal = loaded.denied_beneath(f"{tmp_path}/.git", f"{tmp_path}/x")
    assert refusal is not None
    assert refusal.verdict == "deny"
    assert refusal.rule.line == 5
    assert loaded.denied_beneath(f"{tmp_path}/src", f"{tmp_path}/x") is None
