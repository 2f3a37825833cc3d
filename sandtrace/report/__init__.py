# SPDX-License-Identifier: GPL-2.0-or-later
"""What people see: the log, the console, the summary, and reports made from logs."""
