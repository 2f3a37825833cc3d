# SPDX-License-Identifier: GPL-2.0-or-later
"""A process outside the sandbox: it lives in a session of its own and says which signals it got.

``python bystander.py``: one line "ready", then one line a signal. Its environment, memory, cwd and
descriptors are what attacks look for.
"""

from __future__ import annotations

import os
import signal

WATCHED = (signal.SIGUSR1, signal.SIGURG, signal.SIGIO)


def main() -> None:
    """Wait for signals until killed."""
    os.setsid()
    for number in WATCHED:
        signal.signal(number, lambda number, _frame: os.write(1, f"got {number}\n".encode()))
    os.write(1, b"ready\n")
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
