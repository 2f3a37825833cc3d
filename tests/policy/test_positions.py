# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines and columns of keys and values."""

from __future__ import annotations

from typing import Any

import tomli
from hypothesis import given
from hypothesis import strategies as st

from sandtrace.policy.positions import Path, Positions
from tests.harness.examples import examples

TEXT = '''# comment = 1
version = 1
"quoted key" = "a\\"b" # not = a.key
[connect]
  default = "deny"
allow = [ "one", # comment ]
  { target = 'two', except = ["x", "y"] },
  """three
lines""",
]
[[for]]
exe = ["/bin/sh"]
connect.allow = ["a"]
[[for]]
exe = [ ]
[for.read]
deny = ['''
TEXT += "'''it's''']\n[a.b.\"c d\"]\nwhen = 1979-05-27 07:32:00\n"


def test_places() -> None:
    """A key and a value are found on the line and in the column where they stand."""
    found = Positions(TEXT)

    def place(path: Path, *, key: bool = False) -> tuple[int, int, int] | None:
        span = found.key(path) if key else found.value(path)
        return (span.line, span.column, span.width) if span else None

    assert place(("version",), key=True) == (2, 1, 7)
    assert place(("version",)) == (2, 11, 1)
    assert place(("quoted key",)) == (3, 16, 6)
    assert place(("connect",), key=True) == (4, 2, 7)
    assert place(("connect", "default"), key=True) == (5, 3, 7)
    assert place(("connect", "allow", 0)) == (6, 11, 5)
    assert place(("connect", "allow", 1)) == (7, 3, 39)
    assert place(("connect", "allow", 1, "target")) == (7, 14, 5)
    assert place(("connect", "allow", 1, "except", 1)) == (7, 36, 3)
    assert place(("connect", "allow", 2)) == (8, 3, 8)
    assert place(("for", 0, "connect", "allow", 0)) == (13, 18, 3)
    assert place(("for", 1)) == (14, 1, 7)
    assert place(("for", 1, "read", "deny", 0)) == (17, 9, 10)
    assert place(("a", "b", "c d", "when")) == (19, 8, 19)


def test_windows_line_ends() -> None:
    """A file with CRLF has the same lines and columns."""
    found = Positions("a = 1\r\nb = [\r\n 2,\r\n]\r\n")
    span = found.value(("b", 0))
    assert span is not None
    assert (span.line, span.column) == (3, 2)
    assert found.line(3) == " 2,"


def test_nearest() -> None:
    """What has no place of its own is shown where its holder stands."""
    found = Positions("[connect]\nallow = ['x']\n")
    span = found.nearest(("connect", "allow", 0, "target"))
    assert span is not None
    assert (span.line, span.column) == (2, 10)


def test_not_toml() -> None:
    """A text that is no TOML gives what was found up to there, and no exception."""
    for text in ("a = [1, [", "a = {b = ", "[", "a", "= 1", 'a = "', "a = ", "[[x]", "\0", "a.=1"):
        assert isinstance(Positions(text).keys, frozenset)
    assert ("a",) in Positions("a = 1\n!!!\nb = 2").keys


# --- against tomli -------------------------------------------------------------------------------

BARE = st.text("abcxyz01-_", min_size=1, max_size=5)
NAME = BARE | st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=4)
SCALAR = (
    st.integers(-(2**40), 2**40)
    | st.booleans()
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=8,
)


def quote(text: str) -> str:
    """A basic TOML string."""
    return '"' + "".join(f"\\U{ord(char):08X}" if char in '"\\' or ord(char) < 32
                         or ord(char) == 127 else char for char in text) + '"'  # fmt: skip


def key(name: str, draw: Any) -> str:
    """A key, bare where it may be and chance says so."""
    bare = name and all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
    return name if bare and draw(st.booleans()) else quote(name)


def write(value: Any, draw: Any) -> str:
    """A value, with spaces, comments and line ends wherever TOML takes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        forms = [quote(value)]
        if "'" not in value and all(ord(char) >= 32 and ord(char) != 127 for char in value):
            forms.append(f"'{value}'")
            forms.append(f"'''\n{value}'''")
        return str(draw(st.sampled_from(forms)))
    if isinstance(value, list):
        space = draw(st.sampled_from(["", " ", "\n", " # [ { '\n"]))
        inner = f",{space}".join(write(one, draw) for one in value)
        return f"[{space}{inner}{space}]"
    if isinstance(value, dict):
        pairs = [f"{key(name, draw)} = {write(one, draw)}" for name, one in value.items()]
        return "{ " + ", ".join(pairs) + " }"
    return repr(value)


@st.composite
def documents(draw: Any) -> str:
    """TOML texts with headers, arrays of tables, dotted keys and nested values."""
    out = []
    for name, value in draw(st.dictionaries(NAME, VALUE, max_size=3)).items():
        out.append(f"{key(name, draw)} = {write(value, draw)}")
    for place in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["[t{0}]", "[[l]]", '["q {0}".x]', "[[m.n]]"]))
        out.append(kind.format(place))
        for name, value in draw(st.dictionaries(NAME, VALUE, max_size=3)).items():
            written = key(name, draw)
            if draw(st.booleans()):
                written = f"dot{len(out)} . {written}"
            out.append(f"  {written} = {write(value, draw)}")
    return "\n".join(out) + "\n"


def places(value: Any, path: Path = ()) -> set[Path]:
    """Every key and array member of what tomli read."""
    out: set[Path] = set()
    if isinstance(value, dict):
        for name, one in value.items():
            out |= {(*path, name)} | places(one, (*path, name))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            out |= {(*path, place)} | places(one, (*path, place))
    return out


@examples(100)
@given(documents())
def test_same_keys_as_tomli(text: str) -> None:
    """The scanner sees exactly the keys and members that tomli sees, where they stand."""
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return  # a key written twice
    found = Positions(text)
    assert found.keys | found.values == places(data)
    for path in found.keys:
        span = found.key(path)
        assert span is not None
        token = found.line(span.line)[span.column - 1 : span.column - 1 + span.width]
        assert next(iter(tomli.loads(f"{token} = 1"))) == path[-1]
