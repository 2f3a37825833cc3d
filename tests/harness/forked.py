# SPDX-License-Identifier: GPL-2.0-or-later
"""Do something in a forked child: a filter, a root or credentials that a test can't take back."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable


def fork() -> int:
    """Fork; the child does nothing that another thread's locks could keep from ending."""
    with warnings.catch_warnings():
        # Python 3.12 warns wherever there are threads, and a worker of pytest-xdist has one.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def in_child(body: Callable[[], bytes]) -> bytes:
    """What ``body`` returns in a child of its own; AssertionError with what it raised there."""
    read, write = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            os.close(read)
            said = b"+" + body()
        except BaseException:
            said = b"-" + traceback.format_exc().encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    assert said[:1] == b"+", said[1:].decode() or "the child died"
    return said[1:]
