# SPDX-License-Identifier: GPL-2.0-or-later
"""The package is whole: every name of the seed's page is there, documented, and exported."""

from __future__ import annotations

import inspect
import pydoc

import pytest

from sandtrace import strace

SEED = """
trace strace print_traces record_traces syscall_enter syscall_exit by_name by_number
capture_address get_address read_string read_string_vector sane_uname
Addr Address FullAddress EventCallback EventType TraceRecord TraceError Task
SyscallEvent SyscallArgument SyscallArguments SyscallInfo SyscallMap
SignalEvent ExitEvent NewChildEvent SaneUtsname FormatSpecifier
EXEC_MAX_TOTAL_SIZE EXEC_MAX_ELEM_SIZE DEFAULT_LOG_MAXIMUM_SIZE LOG_MAXIMUM_SIZE EVENT_MAXIMUM_SIZE
abi binary
""".split()
SPECIFIERS = """
HEX OCT READ_BUFFER WRITE_BUFFER READ_IOVEC WRITE_IOVEC IOVEC SEND_MSG_HDR RECV_MSG_HDR PATH
POST_PATH EXECVE_STRING_VECTOR PIPE_FDS UNAME STAT SOCK_ADDR POST_SOCK_ADDR SOCK_LEN SOCK_FAMILY
SOCK_TYPE SOCK_PROTOCOL SOCK_FLAGS TIMESPEC POST_TIMESPEC UTIME_TIMESPEC ITIMER_VAL POST_ITIMER_VAL
ITIMER_SPEC POST_ITIMER_SPEC TIMEVAL UTIMBUF RUSAGE CLONE_FLAGS OPEN_FLAGS MODE FUTEX_OP
PTRACE_REQUEST ITIMER_TYPE
""".split()


@pytest.mark.parametrize("name", SEED)
def test_every_name_is_exported(name: str) -> None:
    """`from sandtrace.strace import *` gives each name of the page, with a description."""
    assert name in strace.__all__
    value = getattr(strace, name)
    if not isinstance(value, int):
        assert inspect.getdoc(value)


def test_the_38_specifiers_are_the_pages() -> None:
    """Their names and their order are the seed's."""
    assert [member.name for member in strace.FormatSpecifier][:38] == SPECIFIERS


def test_exports_exist() -> None:
    """`__all__` names nothing that is not there."""
    assert not [name for name in strace.__all__ if not hasattr(strace, name)]


def test_public_methods_are_described() -> None:
    """Each class's public methods say what they give."""
    for name in strace.__all__:
        value = getattr(strace, name)
        if inspect.isclass(value):
            for method_name, method in vars(value).items():
                if inspect.isfunction(method) and not method_name.startswith("_"):
                    assert method.__doc__, (name, method_name)


def test_pydoc_reads_as_the_page() -> None:
    """pydoc's page begins with the seed's sentence and describes every name."""
    page = pydoc.plain(pydoc.render_doc(strace))
    assert "Package strace traces Linux process events." in page
    assert (
        "An straced process will emit events for syscalls, signals, exits, and new children."
        in page
    )
    for name in strace.__all__:
        assert name in page
    assert "Only one trace can be active per process." in page
