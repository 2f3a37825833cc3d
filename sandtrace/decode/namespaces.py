# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of namespace descriptors (include/uapi/linux/nsfs.h)."""

from __future__ import annotations

from sandtrace.decode.ioctl import commands, uint_at

# NS_GET_USERNS and NS_GET_PARENT return a descriptor, NS_GET_NSTYPE a flag: none takes an argument.
commands("none", None, 0xB701, 0xB702, 0xB703)
commands("out", uint_at, 0xB704)
