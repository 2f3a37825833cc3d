# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard library's `dataclass`, without its start-up time.

`dataclasses` imports `inspect` (about 10 ms) and runs the compiler several times for each class
(about 1 ms); with a hundred classes on the way of ``sandtrace run -- true`` that was more than all
the rest. This one writes an ``__init__`` for a class that has made a few objects, and shares the
other methods.
For type checkers it is the standard one, and `dataclasses.fields`, ``replace`` and ``asdict`` take
its classes. What it knows: ``frozen``, ``slots``, ``eq``; ``field`` with ``default``,
``default_factory``, ``init``, ``repr``, ``compare``; ``__post_init__``; ClassVar; inheritance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    from operator import attrgetter

    _MISSING = object()
    _OFTEN = 16  # objects: to write an __init__ for a class costs as much as they do without

    class _Field:
        __slots__ = ("compare", "default", "factory", "init", "name", "repr", "type")

        def __init__(
            self, default: object, factory: object, *, init: bool, shown: bool, compare: bool
        ) -> None:
            self.name = ""
            self.type = None
            self.default = default
            self.factory = factory
            self.init = init
            self.repr = shown
            self.compare = compare

    def field(
        *,
        default: object = _MISSING,
        default_factory: object = _MISSING,
        init: bool = True,
        repr: bool = True,  # noqa: A002  its name in `dataclasses`
        compare: bool = True,
    ) -> Any:  # noqa: ANN401  whatever the field's type is
        """As `dataclasses.field`."""
        return _Field(default, default_factory, init=init, shown=repr, compare=compare)

    def dataclass(
        cls: type | None = None, *, frozen: bool = False, slots: bool = False, eq: bool = True
    ) -> Any:  # noqa: ANN401  a class, or what makes one
        """As `dataclasses.dataclass`."""
        if cls is None:
            return lambda cls: _made(cls, frozen=frozen, slots=slots, eq=eq)
        return _made(cls, frozen=frozen, slots=slots, eq=eq)

    def replace(instance: Any, /, **changes: Any) -> Any:  # noqa: ANN401
        """As `dataclasses.replace`."""
        for one in type(instance).__quick_fields__.values():
            if one.init and one.name not in changes:
                changes[one.name] = getattr(instance, one.name)
        return type(instance)(**changes)

    def _made(cls: type, *, frozen: bool, slots: bool, eq: bool) -> type:
        own = _own_fields(cls)
        fields = {}
        for base in reversed(cls.__mro__[1:]):
            fields |= getattr(base, "__quick_own__", {})
        fields |= own
        if slots:
            cls = _slotted(cls, own)
        else:
            for name, one in own.items():
                if one.default is not _MISSING:
                    setattr(cls, name, one.default)
                elif name in cls.__dict__:
                    delattr(cls, name)
        cls.__quick_own__, cls.__quick_fields__ = own, fields
        cls.__dataclass_fields__ = _StandardFields()
        cls.__match_args__ = tuple(one.name for one in fields.values() if one.init)
        methods = {"__repr__": _repr, "__init__": _first_init}
        if eq:
            methods["__eq__"] = _eq
        if frozen:
            methods |= {"__setattr__": _frozen_setattr, "__delattr__": _frozen_delattr}
        if frozen and slots:
            methods["__reduce__"] = _reduce
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        # Python itself sets __hash__ to None where a class has an __eq__ of its own.
        if eq and cls.__dict__.get("__hash__") is None:
            cls.__hash__ = _hash if frozen else None
        return cls

    def _own_fields(cls: type) -> dict[str, _Field]:
        own = {}
        for name, kind in _annotations(cls).items():
            if not str(kind).startswith(("ClassVar", "typing.ClassVar")):
                given = cls.__dict__.get(name, _MISSING)
                one = given if isinstance(given, _Field) else field(default=given)
                one.name, one.type = name, kind
                own[name] = one
        return own

    def _annotations(cls: type) -> dict[str, Any]:
        own = cls.__dict__.get("__annotations__")  # noqa: RUF063  inspect is what costs
        if own is None:  # Python 3.14 makes them when asked for
            own = cls.__annotations__ if "__annotate_func__" in cls.__dict__ else {}
        return own

    def _slotted(cls: type, own: dict[str, _Field]) -> type:
        held = {
            name: value
            for name, value in cls.__dict__.items()
            if name not in own and name not in {"__dict__", "__weakref__"}
        }
        held["__slots__"] = tuple(own)
        made = type(cls)(cls.__name__, cls.__bases__, held)
        made.__qualname__ = cls.__qualname__
        return made

    class _StandardFields:
        """The fields as `dataclasses` has them, made when it asks."""

        def __get__(self, instance: object, owner: Any) -> Any:  # noqa: ANN401
            import dataclasses

            made = []
            for one in owner.__quick_fields__.values():
                given = {"init": one.init, "repr": one.repr, "compare": one.compare}
                if one.default is not _MISSING:
                    given["default"] = one.default
                if one.factory is not _MISSING:
                    given["default_factory"] = one.factory
                made.append((one.name, one.type, dataclasses.field(**given)))
            standard = dataclasses.make_dataclass("Fields", made, kw_only=True)
            owner.__dataclass_fields__ = standard.__dataclass_fields__  # made once
            return owner.__dataclass_fields__

    def _first_init(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """``__init__`` for any class. One that has made a few objects is written its own."""
        for cls in type(self).__mro__:
            if cls.__dict__.get("__init__") is _first_init:
                break
        made = cls.__dict__.get("__quick_made__", 0)
        if made >= _OFTEN:
            cls.__init__ = _init_of(cls)
            cls.__init__(self, *args, **kwargs)
            return
        cls.__quick_made__ = made + 1
        given = dict(zip(cls.__match_args__, args))  # noqa: B905  too many are told below
        twice = given.keys() & kwargs.keys()
        given |= kwargs
        if twice or len(args) > len(cls.__match_args__) or given.keys() - {*cls.__match_args__}:
            _init_of(cls)(self, *args, **kwargs)  # which says what is wrong
        for name, one in cls.__quick_fields__.items():
            if name in given:
                value = given[name]
            elif one.factory is not _MISSING:
                value = one.factory()
            elif one.default is not _MISSING:
                value = one.default
            elif one.init:
                _init_of(cls)(self, *args, **kwargs)
            else:
                continue
            object.__setattr__(self, name, value)
        if hasattr(cls, "__post_init__"):
            self.__post_init__()

    def _init_of(cls: Any) -> Any:  # noqa: ANN401
        names = {"_missing": _MISSING, "_set": object.__setattr__}
        parameters, body = [], []
        for place, one in enumerate(cls.__quick_fields__.values()):
            value = one.name
            if one.factory is not _MISSING:
                names[f"_f{place}"] = one.factory
                value = f"_f{place}()"
                if one.init:
                    parameters.append(f"{one.name}=_missing")
                    value = f"_f{place}() if {one.name} is _missing else {one.name}"
            elif one.default is not _MISSING:
                names[f"_d{place}"] = one.default
                if one.init:
                    parameters.append(f"{one.name}=_d{place}")
                else:
                    value = f"_d{place}"
            elif one.init:
                parameters.append(one.name)
            else:
                continue
            setter = getattr(getattr(cls, one.name, None), "__set__", None)
            if setter is not None:  # a slot
                names[f"_s{place}"] = setter
                body.append(f" _s{place}(self, {value})")
            else:
                body.append(f" _set(self, {one.name!r}, {value})")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        text = f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(body or [" pass"])
        exec(text, names)  # noqa: S102  the names are those of the class's own fields
        init = names["__init__"]
        init.__qualname__ = f"{cls.__qualname__}.__init__"
        return init

    def _values(cls: Any) -> Any:  # noqa: ANN401
        """What reads the compared fields of an object."""
        getter = cls.__dict__.get("__quick_values__")
        if getter is None:
            names = [one.name for one in cls.__quick_fields__.values() if one.compare]
            getter = attrgetter(*names) if names else lambda _: ()
            cls.__quick_values__ = staticmethod(getter)
            return getter
        return getter.__func__

    def _eq(self: Any, other: object) -> Any:  # noqa: ANN401
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = _values(self.__class__)
        return values(self) == values(other)

    def _hash(self: Any) -> int:  # noqa: ANN401
        return hash(_values(self.__class__)(self))

    def _repr(self: Any) -> str:  # noqa: ANN401
        inside = ", ".join(
            f"{one.name}={getattr(self, one.name)!r}"
            for one in self.__quick_fields__.values()
            if one.repr
        )
        return f"{self.__class__.__qualname__}({inside})"

    def _frozen_setattr(self: object, name: str, value: object) -> None:
        del self, value
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _frozen_delattr(self: object, name: str) -> None:
        del self
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _reduce(self: Any) -> Any:  # noqa: ANN401
        names = tuple(self.__quick_fields__)
        return _restored, (self.__class__, tuple(getattr(self, name) for name in names))

    def _restored(cls: Any, values: tuple[object, ...]) -> Any:  # noqa: ANN401
        made = object.__new__(cls)
        for name, value in zip(cls.__quick_fields__, values, strict=True):
            object.__setattr__(made, name, value)
        return made


__all__ = ["dataclass", "field", "replace"]
