# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log's ``start`` says of a run beyond its arguments: policies, versions, machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandtrace.cli.version import versions

if TYPE_CHECKING:
    from sandtrace.policy.model import Policy


def about(policy: Policy | None, *, audit: bool, log_all: bool) -> dict[str, Any]:
    """Fields of the ``start`` record, as docs/reference/log.md describes them."""
    try:
        cwd = os.getcwd()
    except OSError:  # the directory is gone
        cwd = None
    machine = os.uname()
    return {
        "cwd": cwd,
        "audit": audit,
        "log_all": log_all,
        "policies": [
            {"name": name, "file": file, "sha256": digest}
            for name, file, digest in (policy.digests if policy is not None else ())
        ],
        "removals": list(policy.removals) if policy is not None else [],
        "versions": versions(),
        "machine": {
            "name": machine.nodename,
            "arch": machine.machine,
            "cpus": os.cpu_count(),
            "uid": os.geteuid(),
        },
    }
