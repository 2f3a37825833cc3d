# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit statuses of INTERFACE: each condition has its number and its one message."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandtrace.rules import handed_descriptors
from tests.harness.runner import Runner

KILLING = """\
version = 1
[connect]
kill = [{ target = "tcp://192.0.2.1:443", id = "tripwire", reason = "nobody needs this" }]
"""
CONNECT = (
    "import socket as s; x = s.socket(); x.settimeout(1); "
    "r = x.connect_ex(('192.0.2.1', {port})); print(r, flush=True)"
)


def no_traceback(text: bytes) -> bool:
    """A user's mistake never looks like a bug of ours."""
    return b"Traceback" not in text


def test_kill_ends_the_tree_with_120(runner: Runner) -> None:
    """A ``kill`` entry ends every process before the call happens; the log names entry and line."""
    policy = runner.file("tripwire.toml", KILLING)
    code = f"import os, time\nif os.fork(): time.sleep(60)\n{CONNECT.format(port=443)}"
    run = runner.traced(["python3", "-c", code], policy=policy)
    assert run.status == 120, run.stderr
    assert run.stdout == b""
    (record,) = run.denied
    assert record["verdict"] == "kill"
    assert record["enforced"] is True
    assert record["rule"]["id"] == "tripwire"
    assert record["rule"]["line"] == 3
    assert run.end["status"] == 120
    assert b"nobody needs this" in run.stderr


@pytest.mark.parametrize(
    ("fail_on", "policy", "status"),
    [
        ("none", "net-off", 0),
        ("deny", "net-off", 120),
        ("log", "net-off", 120),
        ("deny", "audit-all", 0),
        ("log", "audit-all", 120),
    ],
)
def test_fail_on(runner: Runner, fail_on: str, policy: str, status: int) -> None:
    """``--fail-on`` turns a violation into 120; the command's own status is in the log."""
    code = CONNECT.format(port=9)
    run = runner.traced(["python3", "-c", code], "--fail-on", fail_on, policy=policy, outside=True)
    assert run.status == status, run.stderr
    assert run.end["status"] == status


def test_without_policy_is_an_error_that_helps(runner: Runner) -> None:
    """``run`` with neither policy nor audit names both, and starts nothing."""
    run = runner.sandtrace("run", "--", "touch", runner.home / "ran")
    assert run.status == 125
    assert b"--policy" in run.stderr
    assert b"--audit" in run.stderr
    assert b"net-off" in run.stderr
    assert len(run.stderr.splitlines()) <= 6
    assert not (runner.home / "ran").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--policy", "net-of"], "net-off"),
        (["--policy", "./nowhere.toml"], "nowhere.toml"),
        (["--policy", "net-off", "--log", "/nonexistent/log"], "/nonexistent/log"),
        (["--policy", "net-off", "-o", "/nonexistent/trace"], "/nonexistent/trace"),
        (["--policy", "net-off", "--fail-on", "sometimes"], "sometimes"),
        (["--policy", "net-off", "--no-such-option"], "no-such-option"),
        (["--policy", "net-off", "--timeout", "soon"], "soon"),
    ],
)
def test_what_cannot_start_is_125(runner: Runner, options: list[str], says: str) -> None:
    """A bad policy, output or option: one message that names it; the command did not run."""
    run = runner.sandtrace("run", *options, "--", "touch", runner.home / "ran")
    assert run.status == 125, run
    assert says.encode() in run.stderr
    assert run.stdout == b""
    assert no_traceback(run.stderr)
    assert not (runner.home / "ran").exists()


@pytest.mark.parametrize("command", [["run", "--policy", "net-off", "--"], ["strace"]])
def test_126_and_127(runner: Runner, command: list[str]) -> None:
    """Not found is 127, found but not to be executed is 126, each with the name."""
    run = runner.sandtrace(*command, "no-such-program-here")
    assert run.status == 127
    assert b"no-such-program-here" in run.stderr
    plain = runner.file("plain", "echo no\n")
    run = runner.sandtrace(*command, plain)
    assert run.status == 126
    assert b"plain" in run.stderr
    assert no_traceback(run.stderr)
    run = runner.sandtrace(*command, runner.home)
    assert run.status == 126


def test_the_programs_path_is_searched_as_the_shell_does(runner: Runner) -> None:
    """PATH decides, an unreadable or plain file on the way is passed over, not so ``./x``."""
    runner.file("one/tool", "not executable\n")
    runner.file("two/tool", "#!/bin/sh\necho two $0\n", 0o755)
    path = f"{runner.home}/one:{runner.home}/two:/usr/bin:/bin"
    run = runner.sandtrace("run", "--policy", "net-off", "--", "tool", env={"PATH": path})
    assert run.status == 0, run.stderr
    assert run.stdout.startswith(b"two ")
    run = runner.sandtrace("run", "--policy", "net-off", "--", "./tool", env={"PATH": path})
    assert run.status == 127


def test_121_when_the_record_is_incomplete(runner: Runner) -> None:
    """The command ended well, but a log that could not be written to its end is told: 121."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    run = runner.sandtrace("run", "--audit", "--log", "/dev/full", "--", "true")
    assert run.status == 121, run.stderr
    assert b"/dev/full" in run.stderr or b"No space left" in run.stderr
    run = runner.sandtrace("run", "--audit", "--quiet", "--log", "/dev/full", "--", "false")
    assert run.status == 1


def test_a_reader_that_has_gone_does_not_stop_the_command(runner: Runner) -> None:
    """A log pipe whose reader leaves: the command ends as it would, and the record is told cut."""
    script = (
        f"{{ {runner.program} run --audit --log /dev/fd/3 -- sh -c 'sleep 0.5; echo hello' >out;"
        " echo $? >status; } 3>&1 | head -c 1"
    )
    run = runner.native(["sh", "-c", script])
    assert (runner.home / "out").read_text() == "hello\n"
    assert (runner.home / "status").read_text() == "121\n", run.stderr
    assert no_traceback(run.stderr)


def test_a_closed_stderr_does_not_stop_the_command(runner: Runner) -> None:
    """Nobody listens to what sandtrace says: the command still ends as it would."""
    script = f'exec 2>&-; exec {runner.program} run --policy net-off -- "$@"'
    code = CONNECT.format(port=9)
    run = runner.native(["sh", "-c", script, "sh", "python3", "-c", code])
    assert run.said == (0, b"101\n")


def test_traced_by_somebody_else_is_told(runner: Runner) -> None:
    """Under another tracer (strace, gdb) enforcement can't be had: 125 and the reason."""
    run = runner.native(
        [
            *("strace", "-f", "-o", "/dev/null", runner.program, "run", "--policy", "net-off"),
            *("--", "touch", runner.home / "ran"),
        ]
    )
    assert run.status == 125, run
    assert no_traceback(run.stderr)
    assert b"trac" in run.stderr
    assert not (runner.home / "ran").exists()


def test_descriptors_above_two_are_closed_unless_kept(runner: Runner) -> None:
    """What the caller left open stays outside, ``--keep-fd N`` apart."""
    reader, writer = os.pipe()
    try:
        for keep, status in (((), 1), (("--keep-fd", str(reader)), 0)):
            command = ["sh", "-c", f"ls /proc/self/fd | grep -qx {reader}"]
            run = runner.native(
                [runner.program, "run", "--policy", "net-off", *keep, "--", *command],
                pass_fds=(reader, writer),
            )
            assert run.status == status, run.stderr
    finally:
        os.close(reader)
        os.close(writer)


def test_a_descriptor_given_by_name_is_kept(runner: Runner) -> None:
    """What the arguments name as /dev/fd/N was handed over on purpose: ``cmd <(other)``."""
    script = f"{runner.program} run --policy net-off -- cat <(echo inside) < /dev/null"
    run = runner.native(["bash", "-c", script])
    assert run.said == (0, b"inside\n"), run.stderr


@pytest.mark.parametrize(
    ("word", "given"),
    [
        *[(word + "/dev/fd/{}", True) for word in ("", "-f", "--file=", "@", "a=b,c:")],
        ("/proc/self/fd/{}", True),
        *[(word + "/dev/fd/{}", False) for word in ("/srv", "./jail", "~", "--file", "a")],
        ("/dev/fd/{}/x", False),
    ],
)
def test_a_descriptor_is_given_by_its_own_path_alone(word: str, given: bool) -> None:
    """/dev/fd/N as a word or as an option's value hands it over; another folder's name does not."""
    reader, writer = os.pipe()
    try:
        assert handed_descriptors(["cat", word.format(reader)], {}) == (
            {reader} if given else set()
        )
    finally:
        os.close(reader)
        os.close(writer)


def test_an_audit_that_could_not_judge_is_121(runner: Runner) -> None:
    """It blocks nothing for that, as it blocks nothing else, and says what its record lacks."""
    code = (
        "import os\n"
        "for _ in range(21):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n"
        "open('file', 'w').write('made'); print(open('file').read())"
    )
    run = runner.traced(["python3", "-c", code], policy=None)
    assert run.stdout == b"made\n", run.stderr
    assert run.status == 121
    assert b"could not judge open" in run.stderr
    unjudged = [e for e in run.of("guard") if e["rule"]["id"] == "guard:unjudgeable"]
    assert unjudged
    assert not any(event["enforced"] for event in unjudged)
    run = runner.traced(["python3", "-c", code], policy="read-only")
    assert run.status == 1


def test_strace_keeps_all_descriptors(runner: Runner) -> None:
    """``strace`` only traces: what is seen is what happens without it."""
    reader, writer = os.pipe()
    try:
        run = runner.native(
            [
                runner.program,
                "strace",
                "-o",
                "/dev/null",
                "sh",
                "-c",
                f"test -e /proc/self/fd/{reader}",
            ],
            pass_fds=(reader,),
        )
        assert run.status == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_closed_standard_descriptors_stay_closed(runner: Runner) -> None:
    """A command started without stdin and stdout gets no file of sandtrace's in their place."""
    script = 'exec 0<&- 1>&-; exec "$@"'
    inner = ["sh", "-c", "ls /proc/self/fd >&2; exit 4"]
    native = runner.native(["sh", "-c", script, "sh", *inner])
    traced = runner.native(
        ["sh", "-c", script, "sh", runner.program, "run", "--policy", "net-off", "--", *inner]
    )
    assert (traced.status, traced.stderr) == (native.status, native.stderr)


def test_in_a_pipeline_sandtrace_writes_nothing_to_stdout(runner: Runner) -> None:
    """``sandtrace run ... | wc -c`` counts the command's bytes only, denials or not."""
    code = "import socket as s; s.socket().connect_ex(('192.0.2.1', 9)); print('x' * 9)"
    run = runner.sandtrace("run", "--policy", "net-off", "--", "python3", "-c", code)
    assert run.stdout == b"x" * 9 + b"\n"
    assert b"denied connect tcp://192.0.2.1:9" in run.stderr


def test_the_start_costs_little(runner: Runner) -> None:
    """Heavy libraries are not imported by ``run`` before they are needed."""
    heavy = (
        "click rich jinja2 structlog wcmatch multiprocessing asyncio http urllib.request".split()
    )
    script = (
        "import sys; sys.argv = ['sandtrace', 'run', '--policy', 'net-off', '--', 'true']\n"
        "from sandtrace.cli.main import main\n"
        "try: status = main()\n"
        "except SystemExit as end: status = end.code\n"
        f"print(status or 0, [name for name in {heavy!r} if name in sys.modules])\n"
    )
    if runner.drop:
        pytest.skip("a matter of imports, not of users")
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=runner.environment,
    )
    assert done.stdout == "0 []\n", done.stderr
