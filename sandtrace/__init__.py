# SPDX-License-Identifier: GPL-2.0-or-later
"""sandtrace: a sandbox policy enforcer for Linux, built on tracing, that tells you why."""

__version__ = "0.1.0"
