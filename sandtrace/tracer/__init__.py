# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting, stopping and steering tasks. Knows ptrace; knows neither policy nor output formats."""
