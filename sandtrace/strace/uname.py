# SPDX-License-Identifier: GPL-2.0-or-later
"""struct utsname without its padding."""

from __future__ import annotations

import os
from dataclasses import dataclass

_FIELD = 65  # __NEW_UTS_LEN + 1, uapi/linux/utsname.h


@dataclass(frozen=True, slots=True)
class SaneUtsname:
    """A SaneUtsname is an utsname without the weird partially-filled bytes."""

    sysname: str = ""
    nodename: str = ""
    release: str = ""
    version: str = ""
    machine: str = ""
    domainname: str = ""


def sane_uname(utsname: bytes) -> SaneUtsname:
    """The six names of the kernel's struct new_utsname (390 bytes) without the NULs behind them.

    ValueError where there are fewer bytes.
    """
    if len(utsname) < 6 * _FIELD:
        raise ValueError(f"struct utsname has {6 * _FIELD} bytes, not {len(utsname)}")
    return SaneUtsname(
        *(
            os.fsdecode(bytes(utsname[start : start + _FIELD]).rstrip(b"\0"))
            for start in range(0, 6 * _FIELD, _FIELD)
        )
    )
