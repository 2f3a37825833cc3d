# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the syscall table, a module for each family; only data."""
