# SPDX-License-Identifier: GPL-2.0-or-later
"""The world that a policy is read in: the environment, the file system's links, name look-ups.

Reading a policy asks for nothing else, so a test gives a made-up world, and the decision that
follows depends on none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from sandtrace.values import dataclass, field

_MAXSYMLINKS = 40  # the kernel's own limit (path_resolution(7))
_SELF = ("/proc/self", "/proc/thread-self")


class TargetError(Exception):
    """A target (or variable) that is not the language. ``hint`` says what would be."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep both; the loader knows the place."""
        self.message = message
        self.hint = hint
        self.key: str | None = None  # the key beside ``target`` that is meant, where it is one
        super().__init__(message)


def resolve_name(name: str) -> tuple[str, ...]:
    """The addresses of a host name, as the machine resolves it; empty where it does not."""
    import socket

    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def read_link(path: str) -> str | None:
    """What a symlink says; None where ``path`` is none, and FileNotFoundError where it is not."""
    try:
        return os.readlink(path)
    except FileNotFoundError:
        raise
    except OSError:
        return None


def name_servers() -> tuple[str, ...]:
    """The machine's name servers (resolv.conf(5): the local one where none is named)."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as lines:
            words = [line.split() for line in lines]
    except OSError:
        words = []
    found = tuple(line[1] for line in words if len(line) > 1 and line[0] == "nameserver")
    return found or ("127.0.0.1", "::1")


@dataclass(slots=True)
class Surroundings:
    """All that reading a policy may look at. ``cwd`` is where the command starts."""

    cwd: str = "/"
    environ: Mapping[str, str] = field(default_factory=dict)
    resolve: Callable[[str], Iterable[str]] = resolve_name
    readlink: Callable[[str], str | None] = read_link
    servers: Callable[[], Iterable[str]] = name_servers
    _links: dict[str, str | None] = field(default_factory=dict)
    _reached: dict[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, more: Mapping[str, str] | None = None) -> Surroundings:
        """This process's directory and environment, with ``more`` variables."""
        return cls(os.getcwd(), {**os.environ, **(more or {})})

    def home(self) -> str:
        """The home directory: $HOME, else the password database's; an absolute path."""
        home = self.environ.get("HOME", "")
        if home.startswith("/"):
            return home
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            raise TargetError("~ has no meaning: HOME is not set", "set HOME") from None

    def reach(self, path: str) -> str:
        """Where an absolute path leads, every symlink followed; what does not exist is kept.

        ``/proc/self`` and what lies beneath it is kept too: it is another thing for each task.
        """
        known = self._reached.get(path)
        if known is None:
            parent, _, last = path.rpartition("/")
            if last not in {"", ".", ".."} and parent:
                known = self._walk(self.reach(parent), [last])
            else:
                known = self._walk("", path.split("/"))
            self._reached[path] = known
        return known

    def _walk(self, base: str, names: list[str]) -> str:
        followed = 0
        names.reverse()
        while names:
            name = names.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                base = base.rpartition("/")[0]
                continue
            path = f"{'' if base == '/' else base}/{name}"
            link = self._link(path)
            if link is None:
                base = path
                continue
            followed += 1
            if followed > _MAXSYMLINKS:
                return "/".join([path, *names[::-1]])
            if link.startswith("/"):
                base = ""
            names += link.split("/")[::-1]
        return base or "/"

    def _link(self, path: str) -> str | None:
        if path.startswith(_SELF):
            return None
        if path not in self._links:
            try:
                self._links[path] = self.readlink(path)
            except (OSError, ValueError):
                self._links[path] = None
        return self._links[path]
