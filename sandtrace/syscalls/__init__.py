# SPDX-License-Identifier: GPL-2.0-or-later
"""The syscalls of Linux as data: one table, its argument types, its operations, its constants."""
