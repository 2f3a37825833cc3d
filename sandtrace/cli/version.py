# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``--version`` says, and the log's ``start`` with it."""

from __future__ import annotations

import os
import sys

import sandtrace


def versions() -> dict[str, str]:
    """Version of each part that a record's meaning depends on."""
    return {
        "sandtrace": sandtrace.__version__,
        "table": table_version(),
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "kernel": os.uname().release,
    }


def table_version() -> str:
    """The Linux version that the syscall table goes up to."""
    from sandtrace.syscalls import table

    return str(table.LINUX_VERSION)


def version_text() -> str:
    """``sandtrace 0.1.0`` and on what it stands, one line."""
    known = versions()
    return (
        f"sandtrace {known['sandtrace']} (syscall table of Linux {known['table']}; "
        f"Python {known['python']}; kernel {known['kernel']})"
    )
