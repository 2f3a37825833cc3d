# SPDX-License-Identifier: GPL-2.0-or-later
"""Real processes under the library: which records come, in which order, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.victims import Compiler

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.py")
Record = dict[str, Any]
Records = Callable[..., list[Record]]


def run(arguments: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    """A Python of ours with the package, at most a minute."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            **env,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """The records of a command, and what it printed as the last of them."""

    def trace(*command: object, **env: str) -> list[Record]:
        output = tmp_path / "records"
        done = run([str(DRIVER), str(output), *map(str, command)], **env)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        return [*found, {"event": "OUTPUT", "text": done.stdout, "pid": 0}]

    return trace


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program that uses the library."""
    return run(["-c", code, *map(str, arguments)])


def of(found: list[Record], *kinds: str) -> list[Record]:
    """The records of these kinds."""
    return [record for record in found if record["event"] in kinds]


def calls(found: list[Record], name: str) -> list[Record]:
    """The entries and exits of one syscall."""
    return [record for record in found if record.get("name") == name]


def unpaired(found: list[Record]) -> list[Record]:
    """Entries that no exit of the same task and call follows; fails on an exit without an entry."""
    pending: dict[int, Record] = {}
    for record in found:
        if record["event"] == "SYSCALL_ENTER":
            assert record["pid"] not in pending, (pending[record["pid"]], record)
            pending[record["pid"]] = record
        elif record["event"] == "SYSCALL_EXIT":
            entry = pending.pop(record["pid"], None)
            assert entry is not None, record
            assert (entry["name"], entry["args"]) == (record["name"], record["args"])
            assert record["duration"] > 0
        elif record["event"] in {"EXIT", "SIGNAL_EXIT"}:
            entry = pending.pop(record["pid"], None)
            if entry is not None:
                pending[-record["pid"]] = entry
    return list(pending.values())


def test_a_single_process(records: Records, compiled: Compiler) -> None:
    """The trace begins with the new program's first call, not with the execve that started it."""
    found = records(compiled("victims/seed/hello.c", "-static"))
    output = found.pop()
    assert output["text"] == "hello\n"
    assert [record["event"] for record in found[:2]] == ["SYSCALL_ENTER", "SYSCALL_EXIT"]
    assert not calls(found, "execve")
    assert len({record["pid"] for record in found}) == 1
    assert [record["name"] for record in unpaired(found)] == ["exit_group"]
    entry, done = calls(found, "write")
    assert entry["text"].startswith(f"[pid {entry['pid']}] E write(0x1, 0x")
    assert entry["text"].endswith(' "hello\\n", 0x6)')
    assert ", ..., 0x6) = 0x6 (" in done["text"]
    assert (done["ret"], done["errno"]) == (6, 0)
    assert found[-1]["event"] == "EXIT"
    assert found[-1]["status"] == 3 << 8


def test_records_tell_the_registers_and_the_time(records: Records, compiled: Compiler) -> None:
    """At every call the registers hold its number; times do not run backwards."""
    found = records(compiled("victims/seed/hello.c", "-static"))[:-1]
    times = [record["time"] for record in found]
    assert times == sorted(times)
    if os.uname().machine == "x86_64":
        entry = calls(found, "write")[0]
        assert entry["orig_rax"] == 1
    assert all(record["task"] == f"[pid {record['pid']}]" for record in found)


def test_fork(records: Records, compiled: Compiler) -> None:
    """NewChild comes within the parent's clone; the child begins with a call, not with SIGSTOP."""
    found = records(compiled("victims/seed/fork.c"))
    output = found.pop()
    assert output["text"] == "child\nparent\n"
    (new,) = of(found, "NEW_CHILD")
    parent, child = new["pid"], new["child"]
    of_parent = [record for record in found if record["pid"] == parent]
    at = of_parent.index(new)
    assert of_parent[at - 1]["event"] == "SYSCALL_ENTER"
    assert of_parent[at - 1]["name"] in {"clone", "fork", "clone3"}
    assert of_parent[at + 1]["event"] == "SYSCALL_EXIT"
    assert of_parent[at + 1]["ret"] == child
    of_child = [record for record in found if record["pid"] == child]
    assert found.index(new) < found.index(of_child[0])
    assert of_child[0]["event"] == "SYSCALL_ENTER"
    assert of_child[-1]["event"] == "EXIT"
    assert of_child[-1]["status"] == 7 << 8
    (stop,) = of(found, "SIGNAL_STOP")
    assert (stop["pid"], stop["signal"]) == (parent, 17)
    assert found.index(of_child[-1]) < found.index(stop)
    assert [record["name"] for record in unpaired(found)] == ["exit_group"] * 2
    assert [record["status"] for record in of(found, "EXIT")] == [7 << 8, 0]


def test_threads_in_processes(records: Records, compiled: Compiler) -> None:
    """Of 4 processes with 5 threads each, every entry has its exit, and every task its end."""
    found = records(compiled("victims/seed/threads.c"))[:-1]
    children = [record["child"] for record in of(found, "NEW_CHILD")]
    assert len(children) == len(set(children)) == 20
    ended = {record["pid"] for record in of(found, "EXIT")}
    assert ended == {record["pid"] for record in found}
    assert len(ended) == 21
    assert len(calls(found, "getppid")) == 2 * 20 * 25
    assert {record["name"] for record in unpaired(found)} == {"exit", "exit_group"}
    assert all(record["status"] == 0 for record in of(found, "EXIT"))


def test_vfork(records: Records, compiled: Compiler) -> None:
    """The child's execve has entry and exit, and comes before the parent's vfork returns."""
    found = records(compiled("victims/seed/vfork.c"))[:-1]
    (new,) = of(found, "NEW_CHILD")
    execs = [record for record in calls(found, "execve") if record["pid"] == new["child"]]
    assert [record["event"] for record in execs] == ["SYSCALL_ENTER", "SYSCALL_EXIT"]
    assert all('/bin/true, ["true"], [' in record["text"] for record in execs)
    assert execs[1]["ret"] == 0
    vfork = [
        record
        for record in found
        if record["pid"] == new["pid"]
        and record["event"] == "SYSCALL_EXIT"
        and record["ret"] == new["child"]
    ]
    assert found.index(execs[0]) < found.index(vfork[0])
    assert {record["name"] for record in unpaired(found)} == {"exit_group"}


def test_exec_of_a_thread(records: Records, compiled: Compiler) -> None:
    """The thread that executes a program goes on under the leader's id; the others just end."""
    found = records(compiled("victims/seed/exec_thread.c"))
    output = found.pop()
    assert output["text"] == "again\n"
    leader = found[0]["pid"]
    sleeper, executor = (record["child"] for record in of(found, "NEW_CHILD"))
    entry, done = calls(found, "execve")
    assert (entry["pid"], done["pid"]) == (executor, leader)
    assert done["text"].split(" = ")[0].partition("(")[2] == entry["text"].partition("(")[2]
    after = found[found.index(done) + 1 :]
    assert {record["pid"] for record in after} == {leader}
    assert after[-1]["event"] == "EXIT"
    assert after[-1]["status"] == 5 << 8
    assert not [record for record in of(found, "EXIT") if record["pid"] == executor]
    pauses = [record["pid"] for record in calls(found, "pause")]
    assert set(pauses) == {leader, sleeper}


def test_signals_and_job_control(records: Records, compiled: Compiler) -> None:
    """Each signal is told once, before it is delivered; a stopped process stops and goes on."""
    found = records(compiled("victims/seed/signals.c"))[:-1]
    first = found[0]["pid"]
    stops = [record["signal"] for record in of(found, "SIGNAL_STOP") if record["pid"] == first]
    once = [number for at, number in enumerate(stops) if at == 0 or stops[at - 1] != number]
    assert once == [10, 35, 19, 18, 17, 15]
    assert stops.count(19) == 1
    assert found[-1]["event"] == "SIGNAL_EXIT"
    assert found[-1]["signal"] == 15


def test_addresses_and_messages(records: Records, compiled: Compiler) -> None:
    """Socket addresses, options and control messages of real calls are shown by what they say."""
    found = records(compiled("victims/seed/addr.c"))[:-1]
    assert found[-1]["status"] == 0
    (bind, _), (name, named) = calls(found, "bind"), calls(found, "getsockname")
    assert "{Family: AF_INET, Addr: 0x7f000001, Port: 0}, 0x10)" in bind["text"]
    assert "Family" not in name["text"]
    assert "{Family: AF_INET, Addr: 0x7f000001, Port: " in named["text"]
    assert "{length=16})" in named["text"]
    sent, received = calls(found, "sendmsg")[0], calls(found, "recvmsg")[1]
    for text in (sent["text"], received["text"]):
        assert '"ping"' in text
        assert "{level=SOL_SOCKET, type=SCM_RIGHTS, length=20, content: " in text
    assert (
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)"
        in calls(found, "socket")[0]["text"]
    )
    pair = calls(found, "socketpair")[1]["text"]
    assert "socketpair(AF_UNIX, SOCK_STREAM, 0x0, 0x" in pair
    assert " [5 6]) = 0x0 (" in pair


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="int 0x80 is x86's")
def test_calls_of_the_other_table(records: Records, compiled: Compiler) -> None:
    """A call by int 0x80 is one of i386, with its own number, registers and layouts."""
    found = records(compiled("victims/seed/int80.c"))
    if found[-2].get("status") == 2 << 8:
        pytest.skip("this kernel has no 32-bit calls")
    narrow = [record for record in found if record.get("arch") == "i386"]
    assert [record["name"] for record in narrow] == ["getpid"] * 2 + ["writev"] * 2
    assert found[-1]["text"] == "narrow\n"
    assert "{base=0x" in narrow[2]["text"]
    assert ', len=7, "narrow\\n"}, 0x1)' in narrow[2]["text"]
    assert narrow[3]["ret"] == 7


def test_a_shell_that_executes(records: Records) -> None:
    """Programs that a shell starts survive their execve (the seed's v0.9.0 kills them)."""
    found = records("/bin/sh", "-c", "/bin/true; /bin/echo done; exit 9")
    output = found.pop()
    assert output["text"] == "done\n"
    assert not of(found, "SIGNAL_EXIT")
    assert {record["signal"] for record in of(found, "SIGNAL_STOP")} == {17}
    assert len(calls(found, "execve")) == 4
    assert found[-1]["status"] == 9 << 8


def test_buffers_in_records(records: Records, compiled: Compiler) -> None:
    """With EVENT_MAXIMUM_SIZE a record carries what was written, at the entry, cut to the size."""
    found = records(compiled("victims/seed/hello.c", "-static"), EVENT_MAXIMUM_SIZE="4")[:-1]
    entry, done = calls(found, "write")
    assert entry["buffers"] == {"1": "hell"}
    assert done["buffers"] == {}
    found = records(compiled("victims/seed/addr.c"), EVENT_MAXIMUM_SIZE="100")[:-1]
    assert calls(found, "recvmsg")[1]["buffers"] == {"1": "ping"}
    assert any(
        record["buffers"].get("1", "").startswith("\x7fELF") for record in calls(found, "read")
    )


def test_no_buffers_unless_asked_for(records: Records, compiled: Compiler) -> None:
    """By default a record carries no data."""
    found = records(compiled("victims/seed/hello.c", "-static"))[:-1]
    assert not [record for record in found if record.get("buffers")]


RAISES = """
import os, sys
from sandtrace import strace
def callback(task, record):
    if record.syscall and strace.by_number(record.syscall.sysno) == "clock_nanosleep":
        raise ValueError("enough")
try:
    strace.trace(["/bin/sh", "-c", "sleep 50 & sleep 60"], callback)
except strace.TraceError as error:
    print(type(error.err).__name__, str(error).replace(str(error.pid), "N"))
    print(type(error.__cause__).__name__)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no children")
strace.trace(["/bin/true"])
print("again")
"""


def test_a_callback_that_raises() -> None:
    """The trace ends with TraceError, no process is left, and another trace may begin."""
    done = python(RAISES)
    assert done.stdout.splitlines() == [
        "ValueError trace error on pid N: enough",
        "ValueError",
        "no children",
        "again",
    ], done.stderr


def test_what_is_no_exception_goes_through() -> None:
    """KeyboardInterrupt in a callback ends the trace as itself."""
    done = python(
        "from sandtrace import strace\n"
        "def callback(task, record): raise KeyboardInterrupt\n"
        "try: strace.trace(['/bin/sleep', '60'], callback)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    assert done.stdout == "interrupted\n", done.stderr


def test_programs_that_can_not_be_executed(tmp_path: Path) -> None:
    """The plain OSError of the kernel, with its errno and the program; no TraceError."""
    (tmp_path / "plain").write_text("no program")
    (tmp_path / "torn").write_bytes(b"\x7fELFnothing")
    (tmp_path / "torn").chmod(0o755)
    code = (
        "import sys; from sandtrace import strace\n"
        "for program in sys.argv[1:]:\n"
        "    try: strace.trace([program])\n"
        "    except OSError as e: print(type(e).__name__, e.errno, e.filename == program)\n"
    )
    done = python(code, "/nowhere/at/all", "nowhere-at-all", tmp_path / "plain", tmp_path / "torn")
    assert done.stdout.splitlines() == [
        "FileNotFoundError 2 True",
        "FileNotFoundError 2 True",
        "PermissionError 13 True",
        "OSError 8 True",
    ], done.stderr


def test_one_trace_at_a_time() -> None:
    """A second trace, from a callback or another thread, is refused and disturbs nothing."""
    done = python(
        "from sandtrace import strace\n"
        "seen = set()\n"
        "def callback(task, record):\n"
        "    try: strace.trace(['/bin/true'])\n"
        "    except Exception as error: seen.add(str(error))\n"
        "strace.trace(['/bin/true'], callback)\n"
        "print(*seen)\n"
    )
    assert done.stdout == "a process trace is already active in this process\n", done.stderr


def test_a_trace_in_a_thread_into_a_queue() -> None:
    """record_traces blocks in a full queue: a task stays stopped until its record is taken."""
    done = python(
        "import os, queue, threading\n"
        "from sandtrace import strace\n"
        "records = queue.Queue(maxsize=1)\n"
        "def work():\n"
        "    strace.trace(['/bin/true'], strace.record_traces(records))\n"
        "    records.put(None)\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start()\n"
        "kinds = []\n"
        "while (record := records.get()) is not None:\n"
        "    kinds.append(record.event.name)\n"
        "thread.join()\n"
        "print(kinds[0], kinds[-1], len(kinds) > 20)\n"
    )
    assert done.stdout == "SYSCALL_ENTER EXIT True\n", done.stderr


def test_a_process_that_is_killed_while_it_is_looked_at() -> None:
    """SIGKILL at any stop is no error of the trace: the process's end is told."""
    done = python(
        "import os, signal\n"
        "from sandtrace import strace\n"
        "events = []\n"
        "def callback(task, record):\n"
        "    events.append(record.event.name)\n"
        "    if len(events) == 5:\n"
        "        os.kill(record.pid, signal.SIGKILL)\n"
        "        import time; time.sleep(0.1)\n"
        "        print(strace.syscall_enter(task, record.syscall)[:4])\n"
        "strace.trace(['/bin/sleep', '60'], callback)\n"
        "print(events[-1])\n"
    )
    assert done.stdout.splitlines() == ["[pid", "SIGNAL_EXIT"], done.stderr


def test_callbacks_run_in_order_and_share_a_record() -> None:
    """Each record goes to every callback, in the order in which they were given."""
    done = python(
        "from sandtrace import strace\n"
        "seen = []\n"
        "strace.trace(['/bin/true'], lambda t, r: seen.append((1, id(r))),"
        " lambda t, r: seen.append((2, id(r))))\n"
        "print([n for n, _ in seen] == [1, 2] * (len(seen) // 2),"
        " all(a[1] == b[1] for a, b in zip(seen[::2], seen[1::2])))\n"
    )
    assert done.stdout == "True True\n", done.stderr


def test_strace_prints(compiled: Compiler) -> None:
    """strace writes the seed's lines; the command's own output is untouched."""
    hello = compiled("victims/seed/hello.c", "-static")
    done = python(
        "import sys; from sandtrace import strace; strace.strace(sys.argv[1:], sys.stderr)", hello
    )
    assert done.stdout == "hello\n"
    lines = done.stderr.splitlines()
    assert all(line.startswith(("[pid ", "PID ")) for line in lines)
    assert lines[-1].endswith(" exited from exit status 768 (code = 3)")
    entries = [line for line in lines if " E " in line[:20]]
    exits = [line for line in lines if " X " in line[:20]]
    assert len(entries) == len(exits) + 1


def test_the_command_gets_what_it_was_given(tmp_path: Path) -> None:
    """Environment, working directory and descriptors are the command's own."""
    done = python(
        "import os, sys; from sandtrace import strace\n"
        "out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "strace.trace(['/bin/sh', '-c', 'echo $A; pwd'], env={'A': 'b'}, cwd='/', stdout=out)\n"
        "print(open(sys.argv[1]).read(), end='')\n"
        "try: strace.trace('ls -l')\n"
        "except TypeError as error: print(error)\n"
        "try: strace.trace([])\n"
        "except ValueError as error: print(error)\n",
        tmp_path / "out",
    )
    assert done.stdout.splitlines() == [
        "b",
        "/",
        "trace takes the command as a sequence of its words",
        "trace needs a command",
    ], done.stderr
