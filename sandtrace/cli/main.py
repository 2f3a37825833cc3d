# SPDX-License-Identifier: GPL-2.0-or-later
"""The command ``sandtrace``: which command is asked for, and how errors are shown.

`run` and `strace` go a short way without click, since their start-up time is added to every
command that is sandboxed; everything else goes by `sandtrace.cli.group`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sandtrace.errors import InternalError, LaunchError, PolicyError, SandtraceError

FAILED = 125  # sandtrace itself could not start or failed
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv[1:]`` unless given); give its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    _occupy_closed_descriptors()
    try:
        status = _dispatch(words)
    except SandtraceError as error:
        return _told(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:  # the last resort: a bug never looks like a mistake
        return _bug(error)
    return status if _flushed() else _closed_pipe()


def _occupy_closed_descriptors() -> None:
    """Keep our own files out of standard descriptors that the caller closed.

    What is opened here closes at exec, so the command finds them closed as the caller left them.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # takes the lowest free descriptor


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["--version"]:
        return _version()
    if words and words[0] in {"run", "strace"} and "_SANDTRACE_COMPLETE" not in os.environ:
        from importlib import import_module

        from sandtrace.cli.options import parse

        module = import_module(f"sandtrace.cli.{words[0]}")
        values, rest = parse(module.OPTIONS, words[1:], words[0])
        if not values["help"]:
            status: int = module.execute(values, rest)
            return status
    from sandtrace.cli.group import execute

    return execute(words)


def _version() -> int:
    from sandtrace.cli.version import version_text

    sys.stdout.write(version_text() + "\n")
    return 0


def _told(error: SandtraceError) -> int:
    """Show an error of the user's or the machine's; its status."""
    from sandtrace.cli.options import UsageError

    if isinstance(error, PolicyError):
        _say(_policy_problems(error))
    elif isinstance(error, UsageError):
        command = f" {error.command}" if error.command else ""
        _say(f"sandtrace{command}: {error}\nSee: sandtrace{command} --help")
    else:
        _say(f"sandtrace: {error}")
    return error.status if isinstance(error, LaunchError) else FAILED


def _policy_problems(error: PolicyError) -> str:
    try:
        from sandtrace.policy.problems import render
    except ImportError:
        return f"sandtrace: {error}"
    from sandtrace.report.text import wants_colour

    return render(error.problems, colour=wants_colour(2, os.environ)).rstrip("\n")


def _bug(error: Exception) -> int:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = ""
    if frames:
        place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}"
    kind = "" if isinstance(error, InternalError) else f"{type(error).__name__}: "
    _say(f"sandtrace: internal error{place}: {kind}{error}")
    if os.environ.get("SANDTRACE_DEBUG"):
        _say("".join(traceback.format_exception(error)).rstrip("\n"))
    else:
        _say("This is a bug of sandtrace. SANDTRACE_DEBUG=1 shows where; please report it.")
    return FAILED


def _say(text: str) -> None:
    # Python's stderr escapes what it can't encode; a closed stderr must not hide the status.
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return


def _flushed() -> bool:
    if sys.stdout is None:  # closed by the caller, before we began
        return True
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        return False
    return True


def _closed_pipe() -> int:
    """Whoever read our standard output is gone (``sandtrace policies | head``): end quietly."""
    # Python flushes stdout once more as it ends and would complain.
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(null, 1)
    return 128 + 13  # as if SIGPIPE had ended us


if __name__ == "__main__":
    sys.exit(main())
