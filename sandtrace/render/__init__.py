# SPDX-License-Identifier: GPL-2.0-or-later
"""Values to text: strace(1)'s lines, JSON, the seed's lines."""
