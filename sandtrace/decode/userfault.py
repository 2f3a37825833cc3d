# SPDX-License-Identifier: GPL-2.0-or-later
"""ioctls of userfaultfd (include/uapi/linux/userfaultfd.h)."""

from __future__ import annotations

from sandtrace.decode.ioctl import commands
from sandtrace.decode.layout import layout

layout("uffdio_range", "start:u64:hex len:u64:hex")
_API = layout("uffdio_api", "api:u64:hex features:u64:flags(uffd_api_features)"
              " ioctls:u64:flags(uffd_api_flags)")  # fmt: skip
_REGISTER = layout("uffdio_register", "range:uffdio_range mode:u64:flags(uffd_register_mode_flags)"
                   " ioctls:u64:flags(uffd_register_ioctl_flags)")  # fmt: skip
_COPY = layout("uffdio_copy", "dst:u64:hex src:u64:hex len:u64:hex mode:u64:flags(uffd_copy_flags)"
               " copy:s64")  # fmt: skip
_ZERO = layout("uffdio_zeropage", "range:uffdio_range mode:u64:flags(uffd_zeropage_flags)"
               " zeropage:s64")  # fmt: skip
_RANGE = layout("uffdio_wake", "start:u64:hex len:u64:hex")
_PROTECT = layout("uffdio_writeprotect", "range:uffdio_range"
                  " mode:u64:flags(uffd_writeprotect_mode_flags)")  # fmt: skip

commands("both", _API.at, 0xC018AA3F)
commands("both", _REGISTER.at, 0xC020AA00)
commands("both", _COPY.at, 0xC028AA03)
commands("both", _ZERO.at, 0xC020AA04)
commands("in", _RANGE.at, 0x8010AA01, 0x8010AA02)
commands("in", _PROTECT.at, 0xC018AA06)
