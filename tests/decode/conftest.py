# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls made by hand: registers and memory without a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sandtrace.call import Call, Snapshot
from sandtrace.decode.capture import capture_entry, capture_exit
from sandtrace.decode.values import Detail
from sandtrace.render.strace import call_text
from sandtrace.syscalls import table


class Pages:
    """A task's memory: what is mapped where. Reads end where the mapping ends."""

    def __init__(self, mapped: Mapping[int, bytes]) -> None:
        """``mapped``: bytes by the address that they begin at."""
        self.mapped = mapped
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes at ``address``."""
        self.reads += 1
        for start, data in self.mapped.items():
            if start <= address < start + len(data):
                return data[address - start : address - start + size]
        return b""


MakeCall = Callable[..., Call]


@pytest.fixture
def pages() -> type[Pages]:
    """The class of memories."""
    return Pages


@pytest.fixture
def make_call() -> MakeCall:
    """A call that has been captured at entry and exit, with its sources cut off."""

    def make(
        name: str,
        *args: int,
        ret: int | None = 0,
        memory: Mapping[int, bytes] | None = None,
        after: Mapping[int, bytes] | None = None,
        arch: str = "x86_64",
        limit: int = 32,
        verbose: bool = False,
    ) -> Call:
        row = table.by_name(name, arch)
        assert row is not None
        mask = (1 << (32 if arch == "i386" else 64)) - 1
        registers = tuple(value & mask for value in (*args, 0, 0, 0, 0, 0, 0)[:6])
        call = Call(1, 1, arch, row.nr, registers, row, entry=Snapshot(Pages(memory or {})))
        capture_entry(call, limit + 1, verbose=verbose)
        call.entry.source = None
        call.ret = ret
        call.exit = Snapshot(Pages({**(memory or {}), **(after or {})}))
        capture_exit(call, limit + 1, verbose=verbose)
        call.exit.source = None
        return call

    return make


@pytest.fixture
def show(make_call: MakeCall) -> Callable[..., str]:
    """The strace line of a call made by hand."""

    def line(*args: Any, **more: Any) -> str:
        detail = Detail(more.get("limit", 32), more.get("verbose", False))
        return call_text(make_call(*args, **more), detail)

    return line
