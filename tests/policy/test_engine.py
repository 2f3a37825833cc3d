# SPDX-License-Identifier: GPL-2.0-or-later
"""Which entry decides."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from sandtrace.operations import Question, Rule
from sandtrace.policy.model import Policy
from sandtrace.policy.surroundings import Surroundings
from tests.policy.made import entry_of, policy, verdict, world


def test_strictest_wins() -> None:
    """P1: kill, deny, log, allow, in this order, wherever they stand."""
    loaded = policy(
        """
[read]
allow = ["/a"]
log = ["/a/log", "/a/d*"]
deny = ["/a/deny", "/a/k*"]
kill = ["/a/kill"]
"""
    )
    assert verdict(loaded, "read", "/a/x") == "allow"
    assert verdict(loaded, "read", "/a/log") == "log"
    assert verdict(loaded, "read", "/a/deny") == "deny"
    assert verdict(loaded, "read", "/a/kill") == "kill"
    assert verdict(loaded, "read", "/b") == "allow"


def test_default_only_where_nothing_matches() -> None:
    """P2: the default is for what no entry matches; an absent table allows."""
    loaded = policy('[write]\ndefault = "deny"\nallow = ["/a"]\nlog = ["/b"]\n')
    assert verdict(loaded, "write", "/a/x") == "allow"
    assert verdict(loaded, "write", "/b/x") == "log"
    assert verdict(loaded, "write", "/c/x") == "deny"
    assert verdict(loaded, "read", "/c/x") == "allow"
    rule = loaded.decide("read", "/c/x").rule
    assert (rule.policy, rule.entry, rule.id, rule.line) == ("p0", "default", None, None)
    assert rule.file is not None


def test_most_specific_is_named() -> None:
    """P3: of equally strict entries: literal before wildcard, longer before shorter, text."""
    loaded = policy(
        """
[read]
deny = [
    { target = "/a/*", errno = "EACCES" },
    { target = "/a", errno = "ENOENT" },
    { target = "/a/b*", errno = "EIO" },
    { target = "/a/b/c", errno = "EROFS" },
    "/{x,yy}/*", "/x/?",
]
"""
    )
    assert entry_of(loaded, "read", "/a/b/c/d") == "/a/b/c"
    assert loaded.decide("read", "/a/b/c/d").errno == "EROFS"
    assert entry_of(loaded, "read", "/a/bb") == "/a"  # a literal, though shorter
    wild = policy('[read]\ndeny = ["/a/b*", "/a/*", "/a/?*"]\n')
    assert entry_of(wild, "read", "/a/bb") == "/a/?*"  # as long as the other: by text
    assert entry_of(loaded, "read", "/x/1") == "/{x,yy}/*"  # its alternative /x/*, by text


def test_what_a_denial_tells() -> None:
    """P4: the errno is the entry's, else the table's, else EPERM; the rule says where it stands."""
    loaded = policy(
        """
[read]
errno = "EACCES"
deny = ["/a", { target = "/b", errno = "ENOENT", id = "b", reason = "because" }]
kill = ["/k"]
[write]
deny = ["/a"]
"""
    )
    assert loaded.decide("read", "/a").errno == "EACCES"
    decision = loaded.decide("read", "/b")
    assert decision.errno == "ENOENT"
    assert decision.rule == Rule("b", "p0", decision.rule.file, 5, "/b", "because")
    assert decision.rule.place == "p0:5"
    assert loaded.decide("write", "/a").errno == "EPERM"
    assert loaded.decide("read", "/k").errno is None
    assert pickle.loads(pickle.dumps(decision)) == decision


def test_default_has_id_and_reason() -> None:
    """P4: a table's id and reason are its default's; the line is that of `default`."""
    loaded = policy('[connect]\ndefault = "deny"\nid = "net"\nreason = "no network"\n')
    rule = loaded.decide("connect", "tcp://192.0.2.1:1").rule
    assert (rule.id, rule.reason, rule.entry, rule.line) == ("net", "no network", "default", 3)


def test_except() -> None:
    """P5: an entry does not match its exceptions; another entry may."""
    loaded = policy(
        """
[read]
deny = [{ target = "/a", except = ["/a/ok", "/a/*.pub", "/a/d/"] }, "/a/ok/not"]
[connect]
deny = [{ target = "loopback", except = [":80", "unix:/x"] }]
[syscall]
deny = [{ target = "@mount", except = ["umount2"] }]
"""
    )
    assert verdict(loaded, "read", "/a/x") == "deny"
    assert verdict(loaded, "read", "/a/ok/x") == "allow"
    assert verdict(loaded, "read", "/a/key.pub") == "allow"
    assert verdict(loaded, "read", "/a/ok/not") == "deny"
    assert verdict(loaded, "read", "/a/d", is_dir=None) == "deny"
    assert verdict(loaded, "read", "/a/d", is_dir=True) == "allow"
    assert verdict(loaded, "connect", "tcp://127.0.0.1:80") == "allow"
    assert verdict(loaded, "connect", "tcp://127.0.0.1:81") == "deny"
    assert verdict(loaded, "syscall", "umount2") == "allow"
    assert verdict(loaded, "syscall", "mount") == "deny"


def test_unless() -> None:
    """P6: an entry does not apply to the programs of its unless; an unknown program is none."""
    loaded = policy(
        """
[read]
deny = [{ target = "/keys", unless = ["/usr/bin/ssh", "**/git"] }]
[write]
default = "deny"
allow = [{ target = "/out", unless = ["/usr/bin/evil"] }]
"""
    )
    assert verdict(loaded, "read", "/keys/id", exe="/usr/bin/cat") == "deny"
    assert verdict(loaded, "read", "/keys/id", exe="/usr/bin/ssh") == "allow"
    assert verdict(loaded, "read", "/keys/id", exe="/usr/bin/python3", script="/opt/git") == "allow"
    assert verdict(loaded, "read", "/keys/id") == "deny"
    assert verdict(loaded, "write", "/out/x", exe="/usr/bin/cc") == "allow"
    assert verdict(loaded, "write", "/out/x", exe="/usr/bin/evil") == "deny"
    assert verdict(loaded, "write", "/out/x") == "deny"


def test_quiet() -> None:
    """P7: quiet is handed on to who writes the summary."""
    loaded = policy('[read]\ndeny = [{ target = "/a", quiet = true }, "/b"]\n')
    assert loaded.decide("read", "/a").rule.quiet is True
    assert loaded.decide("read", "/b").rule.quiet is False


def test_identity(tmp_path: Path) -> None:
    """P28: a denied file is known by device and inode under any name, replaced or linked."""
    secret, link = tmp_path / "secret", tmp_path / "link"
    secret.write_text("x")
    os.link(secret, link)
    text = f'[read]\ndeny = ["{secret}", "{tmp_path}/*.key"]\n[connect]\ndeny = ["unix:{secret}"]\n'
    loaded = policy(text, surroundings=Surroundings(str(tmp_path)))
    status = link.stat()
    identity = (status.st_dev, status.st_ino)
    assert verdict(loaded, "read", str(link), identity=identity) == "allow"  # not looked at yet
    loaded.refresh_identities()
    assert verdict(loaded, "read", str(link), identity=identity) == "deny"
    assert verdict(loaded, "connect", f"unix:{link}", identity=identity) == "deny"
    assert verdict(loaded, "write", str(link), identity=identity) == "allow"
    assert entry_of(loaded, "read", str(link), identity=identity) == str(secret)
    secret.unlink()
    secret.write_text("y")
    loaded.refresh_identities(str(secret))
    status = secret.stat()
    assert verdict(loaded, "read", "/elsewhere", identity=(status.st_dev, status.st_ino)) == "deny"
    loaded.identities.close()


def test_signal_and_inspect() -> None:
    """P46: outside is denied unless the policy says otherwise; the tracer is no target."""
    plain = policy("")
    for op in ("signal", "inspect"):
        assert verdict(plain, op, "outside") == "deny"
        assert verdict(plain, op, "sandbox") == "allow"
        assert verdict(plain, op, "tracer") == "deny"
        assert plain.denies(op)
        assert plain.silent(op, "sandbox")
        assert not plain.silent(op, "outside")
    rule = plain.decide("signal", "outside").rule
    assert (rule.policy, rule.file, rule.line, rule.entry) == ("built-in", None, None, "default")
    assert verdict(policy('[signal]\ndefault = "allow"\n'), "signal", "outside") == "allow"
    assert verdict(policy('[signal]\nlog = ["outside"]\n'), "signal", "outside") == "log"
    assert verdict(policy('[signal]\ndeny = ["sandbox"]\n'), "signal", "outside") == "deny"
    assert verdict(policy('[inspect]\ndefault = "log"\n'), "inspect", "sandbox") == "log"
    assert verdict(policy('[signal]\nallow = ["outside"]\n'), "signal", "tracer") == "deny"


# --- sections ------------------------------------------------------------------------------------

SECTIONS = """
[connect]
default = "deny"
allow = ["loopback"]
[[for]]
exe = ["/usr/bin/pip", "**/uv"]
connect.allow = [":443"]
connect.log = [":8443"]
read.deny = ["/keys"]
read.log = ["/logged"]
write.default = "deny"
write.allow = ["/venv"]
[[for]]
exe = ["/usr/bin/make"]
descendants = true
connect.allow = [":80"]
"""


def sections(loaded: Policy, *programs: str) -> tuple[int, ...]:
    """The sections in effect after programs executed one another."""
    found: tuple[int, ...] = ()
    for program in programs:
        found = loaded.sections_at_exec(found, program)
    return found


def ask(loaded: Policy, op: str, target: str, *programs: str) -> str:
    """The answer for the last of programs that executed one another."""
    return loaded.decide(
        Question(op, target, exe=programs[-1], sections=sections(loaded, *programs))  # type: ignore[arg-type]
    ).verdict


def test_sections_are_for_their_programs() -> None:
    """P43: a section applies to a process whose executable or script is one of its programs."""
    loaded = policy(SECTIONS)
    assert sections(loaded, "/usr/bin/pip") == (0,)
    assert sections(loaded, "/home/user/.local/bin/uv") == (0,)
    assert loaded.sections_at_exec((), "/usr/bin/python3", "/usr/bin/pip") == (0,)
    assert sections(loaded, "/usr/bin/python3") == ()
    assert ask(loaded, "connect", "tcp://192.0.2.1:443", "/usr/bin/pip") == "allow"
    assert ask(loaded, "connect", "tcp://192.0.2.1:443", "/usr/bin/curl") == "deny"
    assert loaded.decide("connect", "tcp://192.0.2.1:443", exe="/usr/bin/pip").verdict == "allow"


def test_sections_follow_what_they_deny() -> None:
    """P44: what a section denies or logs follows descendants, what it allows does not."""
    loaded = policy(SECTIONS)
    chain = ("/usr/bin/pip", "/bin/sh", "/usr/bin/cc")
    assert sections(loaded, *chain) == (0,)
    assert ask(loaded, "read", "/keys/id", *chain) == "deny"
    assert ask(loaded, "read", "/logged", *chain) == "log"
    assert ask(loaded, "connect", "tcp://192.0.2.1:443", *chain) == "deny"
    assert ask(loaded, "connect", "tcp://192.0.2.1:8443", *chain) == "deny"
    assert ask(loaded, "write", "/venv/x", *chain) == "deny"
    assert ask(loaded, "write", "/venv/x", "/usr/bin/pip") == "allow"
    assert ask(loaded, "connect", "tcp://192.0.2.1:443", *chain, "/usr/bin/pip") == "allow"
    assert ask(loaded, "read", "/keys/id", "/bin/sh") == "allow"


def test_descendants() -> None:
    """P44: with descendants = true what a section allows follows too."""
    loaded = policy(SECTIONS)
    chain = ("/usr/bin/make", "/bin/sh", "/usr/bin/curl")
    assert ask(loaded, "connect", "tcp://192.0.2.1:80", *chain) == "allow"
    assert ask(loaded, "connect", "tcp://192.0.2.1:81", *chain) == "deny"


def test_section_defaults() -> None:
    """P45: a section's default counts only where it is stricter than the one for all."""
    loaded = policy(
        """
[write]
default = "deny"
[[for]]
exe = ["/a"]
write.default = "allow"
read.default = "log"
stat.default = "kill"
"""
    )
    assert ask(loaded, "write", "/x", "/a") == "deny"
    assert ask(loaded, "read", "/x", "/a") == "log"
    assert ask(loaded, "read", "/x", "/b") == "allow"
    assert ask(loaded, "stat", "/x", "/a", "/b") == "kill"


# --- syscalls ------------------------------------------------------------------------------------


def test_syscalls() -> None:
    """P47: by name, group, glob and argument, on the bits that the kernel looks at."""
    loaded = policy(
        """
[syscall]
deny = ["ptrace", "io_uring_*", "@keyring",
        { target = "socket", arg0 = "AF_VSOCK" }, { target = "prctl", arg0 = 4, arg1 = 0 },
        { target = "clone", arg0 = "CLONE_NEWUSER" }, { target = "{kill,tkill}", arg1 = "SIGKILL" }]
log = ["personality"]
"""
    )
    assert verdict(loaded, "syscall", "ptrace") == "deny"
    assert verdict(loaded, "syscall", "io_uring_enter") == "deny"
    assert verdict(loaded, "syscall", "keyctl") == "deny"
    assert verdict(loaded, "syscall", "read") == "allow"
    assert verdict(loaded, "syscall", "socket", args={0: 40}) == "deny"
    assert verdict(loaded, "syscall", "socket", args={0: 40 | 1 << 32}) == "deny"
    assert verdict(loaded, "syscall", "socket", args={0: 2}) == "allow"
    assert verdict(loaded, "syscall", "prctl", args={0: 4, 1: 0}) == "deny"
    assert verdict(loaded, "syscall", "prctl", args={0: 4, 1: 1}) == "allow"
    assert verdict(loaded, "syscall", "clone", args={0: 0x10000000 | 17}) == "deny"
    assert verdict(loaded, "syscall", "clone", args={0: 17}) == "allow"
    assert verdict(loaded, "syscall", "kill", args={0: 1, 1: 9}) == "deny"
    assert loaded.syscall_tests("read", "x86_64") == ()
    assert loaded.syscall_tests("ptrace", "x86_64") == ((),)
    (test,) = loaded.syscall_tests("socket", "x86_64")[0]
    assert (test.arg, test.mask, test.values) == ("family", 0xFFFFFFFF, (40,))
    everything = policy('[syscall]\ndefault = "log"\nallow = ["read"]\n')
    assert everything.syscall_tests("write", "x86_64") == ((),)
    assert everything.syscall_tests("read", "x86_64") == ()


def test_guards_are_lifted_by_name() -> None:
    """P48: an allow that names the call, without arguments, for every program."""
    loaded = policy(
        '[syscall]\nallow = ["@mount", { target = "unshare", arg0 = 0 }]\n'
        'abi = ["x86_64", "i386"]\n'
        'capabilities = ["CAP_NET_ADMIN"]\n',
        '[syscall]\ncapabilities = ["CAP_SYS_PTRACE"]\nlog = ["bpf"]\n',
    )
    assert loaded.names_syscall("mount")
    assert not loaded.names_syscall("unshare")
    assert not loaded.names_syscall("bpf")
    assert loaded.abi == ("x86_64", "i386")
    assert loaded.capabilities == {"CAP_NET_ADMIN", "CAP_SYS_PTRACE"}
    assert policy("").abi == ("x86_64",)


# --- what the filter asks ------------------------------------------------------------------------


def test_silent() -> None:
    """P2: what can only be a plain allow is silent, and then needs no stop."""
    plain = policy('[connect]\nallow = ["loopback"]\n')
    for op in ("read", "write", "stat", "exec", "connect", "bind", "syscall"):
        assert plain.silent(op)
        assert not plain.denies(op)
    loaded = policy(
        """
[write]
default = "deny"
[connect]
default = "deny"
allow = ["loopback", "family:netlink"]
[read]
log = [{ target = "/a", except = ["/a/b"] }]
[[for]]
exe = ["/x"]
stat.deny = ["/s"]
"""
    )
    assert not loaded.silent("write")
    assert loaded.denies("write")
    assert not loaded.denies("read")
    assert not loaded.silent("read")
    assert loaded.silent("read", "/b")
    assert loaded.silent("read", "/a/b")
    assert not loaded.silent("read", "/a/c")
    assert not loaded.silent("stat")
    assert not loaded.silent("stat", "/t")  # it may be another name of /s
    assert loaded.silent("stat", "/t", identity=(1, 1))
    assert loaded.silent("exec")
    assert loaded.silent("connect", "tcp://127.0.0.1:1")
    assert not loaded.silent("connect", "tcp://192.0.2.1:1")
    assert loaded.silent("connect", "family:netlink")
    assert loaded.silent("connect", "family:inet")
    assert loaded.silent("connect", "family:unix")  # bind is open
    assert not loaded.silent("connect", "family:packet")
    assert not loaded.silent("bind")  # what cannot be judged is refused there too
    assert loaded.silent("bind", "tcp://0.0.0.0:80")
    assert not loaded.silent("bind", "malformed:")


def test_silent_knows_identities(tmp_path: Path) -> None:
    """P28: where a denied file may have other names, no other path is silent."""
    loaded = policy('[read]\ndeny = ["/a"]\n')
    assert not loaded.silent("read", "/b")
    assert loaded.silent("read", "/b", identity=(1, 2))


def test_silent_is_careful() -> None:
    """P2: what is bound, what a name means or what is a directory may change the answer."""
    around = world(hosts={"host.example": ["192.0.2.1"]})
    for text in ('log = ["self"]', 'deny = ["host.example"]'):
        loaded = policy(f"[connect]\n{text}\n", surroundings=around)
        assert not loaded.silent("connect", "tcp://192.0.2.7:1")
    loaded = policy(
        '[read]\ndefault = "deny"\nallow = [{ target = "/a", except = ["/a/d/"] }, "/b"]\n'
    )
    assert not loaded.silent("read", "/a/d")
    assert loaded.silent("read", "/b/d")


def test_question_or_words() -> None:
    """A question may be given whole, or as operation, target and the rest."""
    loaded = policy('[read]\ndeny = ["/a"]\n')
    assert loaded.decide(Question("read", "/a")) == loaded.decide("read", "/a")
    with pytest.raises(TypeError):
        loaded.decide("read")


def test_environment() -> None:
    """P49: pass drops what it does not match, drop beats pass, set beats both; unions."""
    loaded = policy(
        '[env]\npass = ["A*", "PATH"]\ndrop = ["*_TOKEN"]\n'
        'set = { X = "${Y:-1}", PATH = "/bin" }\n',
        '[env]\npass = ["*"]\ndrop = ["AB"]\n',
        surroundings=world(environ={"Y": "2"}),
    )
    given = {"A": "1", "AB": "1", "A_TOKEN": "1", "PATH": "/x", "B": "1"}
    assert loaded.environment.apply(given) == {"A": "1", "PATH": "/bin", "X": "2"}
    narrower = policy('[env]\npass = ["A*"]\n', '[env]\npass = ["*B"]\n')
    assert narrower.environment.apply(given) == {"AB": "1"}


def test_limits() -> None:
    """P50: the smallest of each in the union."""
    loaded = policy(
        '[limits]\ntimeout = "10m"\nprocesses = 5\nfile_size = "2GB"\n',
        '[limits]\ntimeout = 90\nopen_files = 64\nfile_size = "512MiB"\n',
    )
    limits = loaded.limits
    assert (limits.timeout, limits.processes, limits.open_files) == (90.0, 5, 64)
    assert limits.file_size == 512 << 20
    assert policy("").limits.timeout is None
    for text, seconds in {'"1.5h"': 5400.0, '"250ms"': 0.25, '"90"': 90.0, "2.5": 2.5}.items():
        assert policy(f"[limits]\ntimeout = {text}\n").limits.timeout == seconds
