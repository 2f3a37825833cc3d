# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers and memory to typed values: `capture` at the stop, `values` when they are wanted."""
