# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens that stay the call that they are: where a task's own seccomp filter would see another one.

Whoever changes the tree may lead such a call elsewhere. So it is left nothing to do there: what it
would create is made by the tracer, in the judged directory; it truncates nothing; and at its exit
what it has opened is compared with what was judged, and the tree killed if that is not the same.
Who shares its descriptors is stopped from the judgement to that comparison (`Handed.undisturbed`).
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from sandtrace.resolve import Unjudgeable, arguments
from sandtrace.tracer import handover, perform
from sandtrace.tracer.handover import Handed, Pieces
from sandtrace.tracer.performance import Refused

if TYPE_CHECKING:
    from sandtrace.call import Call
    from sandtrace.resolve.paths import Found
    from sandtrace.tracer.loop import Tracee

_OWNER_READS, _OWNER_WRITES = 0o400, 0o200


def opens(tracee: Tracee, call: Call, found: Found, path: bytes | None) -> Handed | None:
    """``path`` is handed over; without one the task uses its own. None: no page is free.

    Refused is the call's result, Unjudgeable says that it can't be made safe.
    """
    assert call.row is not None  # noqa: S101  only rows open
    flags, mode, _ = arguments.how(call)
    refused = arguments.refused(call)
    if refused is not None:
        raise Refused(refused)
    nameless = flags & os.O_TMPFILE == os.O_TMPFILE
    looks = bool(flags & os.O_PATH)
    changes = flags & (os.O_CREAT | os.O_TRUNC) and not nameless and not looks
    kept = flags
    if changes:  # O_EXCL means something else without O_CREAT
        kept &= ~(os.O_TRUNC | (os.O_CREAT | os.O_EXCL if flags & os.O_CREAT else 0))
    pieces, values = Pieces(), dict[int, int]()
    if path is not None:
        pieces.add(path + b"\0", call.row.arg("path").position)
    if kept != flags:
        if call.name not in ("open", "openat"):
            raise Unjudgeable("EPERM", f"{call.name} can't be made safe for a task with a filter")
        values[call.row.arg("flags").position] = kept
    if nameless:
        expected, made, final = None, None, None
    else:
        expected, made, final = _there(tracee, found, flags, mode)
    handed = (
        handover.change(tracee, call, values)
        if path is None
        else handover.hand_over(tracee, call, pieces, values)
    )
    if handed is None:
        if made is not None:
            os.close(made)
        return None
    handed.expected, handed.made, handed.mode = expected, made, final
    handed.truncate = bool(changes and flags & os.O_TRUNC) and _is_regular(found)
    return handed


def _there(
    tracee: Tracee, found: Found, flags: int, mode: int
) -> tuple[tuple[int, int] | None, int | None, int | None]:
    """The object to be opened, made where it has to be: identity, our descriptor, final mode."""
    creates = flags & os.O_CREAT and not flags & os.O_PATH
    if found.fd is None:
        if not creates or found.parent is None:
            raise Refused(errno.ENOENT)
        needed = {os.O_RDONLY: _OWNER_READS, os.O_WRONLY: _OWNER_WRITES}.get(
            flags & os.O_ACCMODE, _OWNER_READS | _OWNER_WRITES
        )
        made, final = perform.make(tracee, found, mode, needed, same_rights=not tracee.other_rights)
        status = os.fstat(made)
        return (status.st_dev, status.st_ino), made, final
    if creates and flags & os.O_EXCL:
        raise Refused(errno.EEXIST)
    if found.is_dir and (creates or (flags & os.O_TRUNC and not flags & os.O_PATH)):
        raise Refused(errno.EISDIR)
    cuts = flags & os.O_TRUNC and _is_regular(found)
    if cuts and flags & (os.O_ACCMODE | os.O_PATH) == os.O_RDONLY:
        perform.may_write(tracee, found, same_rights=not tracee.other_rights)
    return found.identity, None, None


def _is_regular(found: Found) -> bool:
    return found.status is not None and stat.S_ISREG(found.status.st_mode)
