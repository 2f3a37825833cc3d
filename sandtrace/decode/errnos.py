# SPDX-License-Identifier: GPL-2.0-or-later
"""errno numbers to names, as strace(1) spells them."""

from __future__ import annotations

import errno

# Linux has two names for these; strace shows the second.
_ERRNO_NAMES = {95: "EOPNOTSUPP", 35: "EDEADLK", 11: "EAGAIN"}
# include/linux/errno.h: not for user space, but seen by a tracer.
KERNEL_ERRNO = {
    515: "ENOIOCTLCMD", 517: "EPROBE_DEFER", 518: "EOPENSTALE", 519: "ENOPARAM", 521: "EBADHANDLE",
    522: "ENOTSYNC", 523: "EBADCOOKIE", 524: "ENOTSUPP", 525: "ETOOSMALL", 526: "ESERVERFAULT",
    527: "EBADTYPE", 528: "EJUKEBOX", 529: "EIOCBQUEUED", 530: "ERECALLCONFLICT",
}  # fmt: skip


def errno_name(number: int) -> str | None:
    """``ENOENT`` for 2; None for a number that has no name."""
    return _ERRNO_NAMES.get(number) or errno.errorcode.get(number) or KERNEL_ERRNO.get(number)
