# SPDX-License-Identifier: GPL-2.0-or-later
"""The call behind a call: i386's socketcall and old mmap keep their arguments in memory."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from sandtrace.operations import SubcallArg
from sandtrace.resolve.paths import PathError
from sandtrace.syscalls import table
from sandtrace.values import replace

if TYPE_CHECKING:
    from sandtrace.call import Call

_LONG = 4  # only i386 has such calls


def inner(call: Call) -> Call | None:
    """The call that is really made, with its own row; None where this is it.

    PathError(EFAULT) where its arguments can't be read, as the kernel says.
    """
    if call.arch != "i386" or call.row is None:
        return None
    for effect in call.row.ops:
        subject = effect.subject
        if not isinstance(subject, SubcallArg):
            continue
        number = 0 if subject.call is None else call.row.value(subject.call, call.args)
        row = table.by_name(dict(subject.rows).get(number, ""), call.arch)
        if row is None:
            return None  # one that has no row of its own does nothing that is judged
        count = max((arg.position + arg.registers for arg in row.args), default=0)
        address = call.row.value(subject.args, call.args)
        data = call.entry.read(address, count * _LONG)
        if len(data) < count * _LONG:
            raise PathError(errno.EFAULT)
        words = [
            int.from_bytes(data[at : at + _LONG], "little") for at in range(0, len(data), _LONG)
        ]
        words += [0] * (6 - len(words))
        return replace(call, nr=row.nr, row=row, args=tuple(words))
    return None
