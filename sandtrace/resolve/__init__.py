# SPDX-License-Identifier: GPL-2.0-or-later
"""Which objects are meant? Paths, descriptors and addresses, by asking the kernel.

`targets` turns the effects of a call into the texts that a policy is asked about. What cannot be
told raises `Unjudgeable`, and what cannot be judged is denied.
"""

from __future__ import annotations


class Unjudgeable(Exception):  # noqa: N818  a finding about the call, not an error of ours
    """The call's target can't be told. ``errno`` is what the caller gets, ``reason`` why."""

    def __init__(self, errno: str, reason: str) -> None:
        """Both are shown in the log."""
        self.errno = errno
        self.reason = reason
        super().__init__(reason)
