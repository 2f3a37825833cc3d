# SPDX-License-Identifier: GPL-2.0-or-later
"""Complete lines, unbuffered, to a descriptor; what goes wrong is remembered, never raised.

A full disk or a closed pipe must not end the command that is being watched, nor be passed over:
`Lines.incomplete` holds the reason, and the exit status tells (121).
"""

from __future__ import annotations

import os
import select


class Lines:
    """A descriptor that gets whole lines. ``name`` says in messages what it is."""

    def __init__(self, fd: int, name: str, *, owned: bool = False) -> None:
        """Write to ``fd``; close it in `close` where it is ``owned``."""
        self.fd = fd
        self.name = name
        self.incomplete: str | None = None
        self._owned = owned

    def write(self, text: str) -> None:
        """Write ``text`` (lines, each with its newline) at once, or remember why not.

        Surrogate escapes become backslash escapes, so that what is written is always UTF-8.
        After a failure nothing more is written: a log that is cut off stays readable up to its
        last line, one with a hole in it does not.
        """
        if self.incomplete is not None:
            return
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while data:
                data = data[self._put(data) :]
        except OSError as error:
            self.incomplete = f"{self.name} could not be written to its end: {error.strerror}"

    def _put(self, data: memoryview) -> int:
        """Write some of ``data``; how many bytes were taken, 0 where none could be yet."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            # stderr may be a pipe or terminal that another program made non-blocking
            # (O_NONBLOCK belongs to the open file, which all its holders share).
            poll = select.poll()
            poll.register(self.fd, select.POLLOUT)
            poll.poll(1000)
            return 0

    def close(self) -> None:
        """Close the descriptor where it is ours; a delayed error (NFS, quota) counts too."""
        if not self._owned or self.fd < 0:
            return
        fd, self.fd = self.fd, -1
        try:
            os.close(fd)
        except OSError as error:
            reason = f"{self.name} could not be written to its end: {error.strerror}"
            self.incomplete = self.incomplete or reason
