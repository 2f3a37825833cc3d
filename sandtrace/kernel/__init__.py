# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of Linux, with no logic of ours: constants, registers, ptrace, task memory, BPF."""
