# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of the kernel's constants, generated: read them by `sandtrace.syscalls.xlat`."""
