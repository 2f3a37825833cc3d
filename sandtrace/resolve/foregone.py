# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that come to nothing whoever makes them: what they name is missing, or there already.

`mkdir -p /src/build` makes "/src" first, and hears EEXIST; a search in PATH executes what is not
there. The kernel says so before it asks for any right (filename_create, may_delete and do_last in
fs/namei.c), so a policy that says no to the rest of the call changes nothing but the errno.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from sandtrace.operations import MovedArg, PathArg
from sandtrace.resolve import arguments

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.resolve.paths import Found

_OPENS = frozenset({"open", "openat", "openat2", "creat"})
_TMPFILE = 0o20000000  # __O_TMPFILE, asm-generic/fcntl.h
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # linux/fs.h
# The argument whose name is made, and must not be there before.
_MADE = {
    **dict.fromkeys(("mkdir", "mkdirat", "mknod", "mknodat"), "path"),
    **dict.fromkeys(("symlink", "symlinkat"), "linkpath"),
    **dict.fromkeys(("link", "linkat"), "newpath"),
}
_RENAMES = frozenset({"rename", "renameat", "renameat2"})


def error(call: Call, found: dict[str, Found]) -> tuple[Found, int] | None:
    """The kernel's errno (ENOENT, EEXIST) and what it tells of; None where the call may succeed."""
    there: Found | None = None
    for effect in call.row.ops if call.row is not None else ():
        subject = effect.subject.path if isinstance(effect.subject, MovedArg) else effect.subject
        if not isinstance(subject, PathArg) or subject.path not in found:
            continue
        one = found[subject.path]
        wanted = _wanted(call, subject)
        if wanted is True and one.status is None:
            return one, errno.ENOENT  # rename and link look the old name up before the new one
        if wanted is False and one.status is not None:
            there = one
    return (there, errno.EEXIST) if there is not None else None


def _wanted(call: Call, subject: PathArg) -> bool | None:
    """Must it be there (True), must it not be there (False)? None: both will do."""
    if call.name in _OPENS:
        flags = arguments.open_flags(call)
        if flags & os.O_CREAT:
            return False if flags & os.O_EXCL else None
        return True
    if _MADE.get(call.name) == subject.path:
        return False
    if call.name in _RENAMES and subject.path == "newpath":
        flags = 0
        if call.name == "renameat2" and call.row is not None:
            flags = call.row.value("flags", call.args)
        if flags & _RENAME_EXCHANGE:
            return True
        return False if flags & _RENAME_NOREPLACE else None
    return True
