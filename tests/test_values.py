# SPDX-License-Identifier: GPL-2.0-or-later
"""Our `dataclass` behaves as the standard library's, where it is used."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from sandtrace import values

Maker = Callable[..., Any]


def classes(dataclass: Maker, field: Maker) -> dict[str, Any]:
    """The same classes, made by one of the two."""

    @dataclass(frozen=True, slots=True)
    class Point:
        """A value."""

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)
        kind: ClassVar[str] = "point"

        @property
        def sum(self) -> int:
            return self.x + self.y

    @dataclass(slots=True)
    class Open:
        a: str
        hidden: int = field(default=1, repr=False, compare=False)
        late: int = field(init=False, default=7)

    @dataclass(frozen=True, slots=True, eq=False)
    class Single:
        a: int = 0

    @dataclass
    class Plain:
        a: int
        b: tuple[int, ...] = ()

        def __post_init__(self) -> None:
            self.c = self.a + 1

    @dataclass
    class Child(Plain):
        d: int = 5

    @dataclass(frozen=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "own"

    return {"Point": Point, "Open": Open, "Single": Single, "Plain": Plain, "Child": Child,
            "Own": Own}  # fmt: skip


OURS = classes(values.dataclass, values.field)
THEIRS = classes(dataclasses.dataclass, dataclasses.field)
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Point", (1,), {}), ("Point", (1, 3), {"tags": ["a"]}), ("Point", (), {"x": 1, "y": 0}),
    ("Open", ("a",), {}), ("Open", ("a", 3), {}), ("Single", (), {}), ("Plain", (1,), {"b": (2,)}),
    ("Child", (1, (), 2), {}), ("Own", (1,), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "kwargs"), CASES)
def test_same_as_the_standard_one(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Objects look alike, compare alike, and have the same fields and defaults."""
    ours, theirs = OURS[name](*args, **kwargs), THEIRS[name](*args, **kwargs)
    assert repr(ours) == repr(theirs)
    assert OURS[name].__match_args__ == THEIRS[name].__match_args__
    assert [one.name for one in dataclasses.fields(ours)] == [
        one.name for one in dataclasses.fields(theirs)
    ]
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    again = OURS[name](*args, **kwargs)
    assert (ours == again) == (theirs == THEIRS[name](*args, **kwargs))
    assert (ours != again) == (theirs != THEIRS[name](*args, **kwargs))
    assert (OURS[name].__hash__ is None) == (THEIRS[name].__hash__ is None)
    assert OURS[name].__doc__ == THEIRS[name].__doc__ or "Point" not in name
    assert hasattr(ours, "__dict__") == hasattr(theirs, "__dict__")
    assert dataclasses.asdict(copy.deepcopy(ours)) == dataclasses.asdict(ours)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [("Point", (), {}), ("Point", (1, 2, [], 4), {}), ("Point", (1,), {"z": 1}),
     ("Point", (1,), {"x": 1}), ("Open", ("a",), {"late": 1})],
)  # fmt: skip
def test_wrong_arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """What the standard one refuses to make is refused."""
    for made in (OURS, THEIRS):
        with pytest.raises(TypeError):
            made[name](*args, **kwargs)


def test_frozen() -> None:
    """A frozen object can't be changed; an open one can."""
    point = OURS["Point"](1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    assert {OURS["Single"](1), OURS["Single"](1)} != {OURS["Single"](1)}
    one = OURS["Open"]("a")
    one.a = "b"
    assert one == OURS["Open"]("b", 99)
    with pytest.raises(AttributeError):
        one.unknown = 1
    assert point.sum == 3


def test_hash() -> None:
    """Frozen objects that are equal have one hash."""
    assert hash(OURS["Own"](1)) == hash(OURS["Own"](1))
    with pytest.raises(TypeError):
        hash(OURS["Open"]("a"))


def test_replace() -> None:
    """`replace` makes a changed copy, by ours and by the standard function."""
    point = OURS["Point"](1, 2, ["a"])
    for replace in (values.replace, dataclasses.replace):
        assert replace(point, y=5) == OURS["Point"](1, 5, ["a"])


def test_defaults_are_not_shared() -> None:
    """A default that is made anew is made anew for each object."""
    one, other = OURS["Point"](1), OURS["Point"](1)
    one.tags.append("x")
    assert other.tags == []


@values.dataclass(frozen=True, slots=True)
class Travelling:
    """At the top of a module, where pickle finds it."""

    a: int
    b: tuple[str, ...] = ()


def test_pickle() -> None:
    """A frozen object with slots travels between processes."""
    one = Travelling(1, ("x",))
    assert pickle.loads(pickle.dumps(one)) == one
