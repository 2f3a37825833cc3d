# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy language: `load` reads it, `model.Policy` is what was read, `engine` decides."""
